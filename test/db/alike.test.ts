import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import type { Asking } from '../../src/app/request-session.js';
import { requirementsOf } from '../../src/domain/policy/policy.js';
import type { SessionId } from '../../src/domain/session/session.js';
import type { Replica } from './asking.lab.js';
import { allow, AskingLab, deployment, pod, ROBIN, setOf } from './asking.lab.js';

const BREAK_GLASS = {
  signIn: { acr: [], amr: [], maxAgeSeconds: null },
  review: { groups: ['security'], users: [], withinSeconds: 3_600 },
  debt: { of: 'person' },
} as const;
const LEADS = { count: 1, groups: ['leads'], users: [] };

let lab: AskingLab;
let replica: Replica;
let other: Replica;
beforeAll(async () => {
  const consent = { require: [LEADS], commentRequired: false, escalation: null };
  lab = await AskingLab.start(
    setOf(
      allow('at-once'),
      allow('one-at-a-time', {
        match: { namespaces: ['vault'] },
        terms: { concurrent: { perPerson: 1, perPod: 1 }, approvals: consent, breakGlass: null },
      }),
      allow('with-consent', {
        match: { namespaces: ['payments'] },
        terms: { approvals: consent, breakGlass: BREAK_GLASS },
      }),
    ),
  );
  replica = lab.replica();
  other = lab.replica();
});
afterAll(() => lab[Symbol.asyncDispose]());

const ids = (answers: readonly Asking[]) => new Set(answers.map(({ session }) => session.id));

describe('a request like an open one', () => {
  test('is that one, whatever else is asked for, and the cluster is not asked again', async () => {
    const target = deployment(uniqueName('checkout'));
    const first = await replica.ask({ target });
    const calls = lab.clusters.calls.length;
    const again = await replica.ask({ target, reason: 'something else', durationSeconds: 60 });
    expect(first.already).toBe('no');
    expect(again).toEqual({ session: first.session, already: 'alike' });
    expect(lab.clusters.calls).toHaveLength(calls);
  });

  test('is that one where it names the Pod that was found for a workload, and the other way round', async () => {
    const name = uniqueName('checkout');
    const first = await replica.ask({ target: deployment(name) });
    const byPod = await replica.ask({ target: pod(`${name}-1`) });
    expect(byPod).toEqual({ session: first.session, already: 'alike' });

    const later = uniqueName('checkout');
    const second = await replica.ask({ target: pod(`${later}-1`) });
    const byWorkload = await replica.ask({ target: deployment(later) });
    expect(byWorkload).toEqual({ session: second.session, already: 'alike' });
  });

  test.each([
    ['of another container', { container: 'sidecar' }],
    ['with another profile', { profile: 'network' }],
    ['on another Pod', { target: pod('web-other') }],
    ['in another namespace', { namespace: 'payments' }],
  ])('but %s is another', async (_, over) => {
    const target = pod(uniqueName('web'));
    const first = await replica.ask({ target });
    const second = await replica.ask({ target, ...over });
    expect(second.already).toBe('no');
    expect(second.session.id).not.toBe(first.session.id);
  });

  test('of another person is another', async () => {
    const target = pod(uniqueName('web'));
    const person = { ...ROBIN, sub: 'sam' };
    expect(
      ids([await replica.ask({ target }), await replica.ask({ target }, { person })]).size,
    ).toBe(2);
  });

  test('of the other account of the same human is another: accounts have rights of their own', async () => {
    const target = pod(uniqueName('web'));
    const human = uniqueName('human');
    const account = (sub: string) => ({ person: { ...ROBIN, sub: `${human}-${sub}`, human } });
    const first = await replica.ask({ target }, account('plain'));
    const second = await replica.ask({ target }, account('admin'));
    expect(second.already).toBe('no');
    expect(second.session.id).not.toBe(first.session.id);
  });

  test('but with the glass broken is another, and so is it once more behind broken glass', async () => {
    const target = pod(uniqueName('web'));
    const waiting = await replica.ask({ namespace: 'payments', target });
    const broken = await replica.ask({ namespace: 'payments', target, breakGlass: true });
    const again = await other.ask({ namespace: 'payments', target, breakGlass: true });
    expect(waiting.session.state).toBe('pending');
    expect(broken).toMatchObject({ already: 'no', session: { state: 'approved' } });
    expect(requirementsOf(broken.session.grant)).toEqual([]);
    expect(again).toEqual({ session: broken.session, already: 'alike' });

    await replica.withdraw(broken.session);
    const log = new PrismaAuditLog(lab.database());
    const marks = async (sessionId: SessionId) =>
      (await log.read({ sessionId, limit: 10 })).map(({ action, body }) => ({ action, body }));
    const marked = {
      body: expect.objectContaining({ data: expect.objectContaining({ breakGlass: true }) }),
    };
    expect(await marks(broken.session.id)).toEqual([
      { action: 'session.withdraw', ...marked },
      { action: 'session.break-glass', ...marked },
    ]);
    expect(JSON.stringify(await marks(waiting.session.id))).not.toContain('"breakGlass"');
  });

  test('is not counted against the limits of its own terms', async () => {
    const ask = { namespace: 'vault', target: pod(uniqueName('web')) };
    const person = { ...ROBIN, sub: 'kim' };
    const first = await replica.ask(ask, { person });
    expect(first.session.state).toBe('pending');
    expect(await replica.ask(ask, { person })).toEqual({
      session: first.session,
      already: 'alike',
    });
  });

  test('may be asked for again once that one is over', async () => {
    const target = pod(uniqueName('web'));
    const first = await replica.ask({ target });
    await replica.withdraw(first.session);
    expect(await replica.ask({ target })).toMatchObject({ already: 'no' });
  });

  test('that was denied is asked anew each time', async () => {
    const answers = [
      await replica.ask({ namespace: 'elsewhere' }),
      await replica.ask({ namespace: 'elsewhere' }),
    ];
    expect(answers.map(({ session }) => session.state)).toEqual(['denied', 'denied']);
    expect(ids(answers).size).toBe(2);
  });

  test('at the same moment, by two replicas, makes one session, which all get', async () => {
    for (const target of [pod(uniqueName('web')), deployment(uniqueName('checkout'))]) {
      const answers = await lab.together(10, () =>
        Promise.all(
          Array.from({ length: 10 }, (_, i) => (i % 2 ? replica : other).ask({ target })),
        ),
      );
      expect(ids(answers).size).toBe(1);
      expect(answers.filter(({ already }) => already === 'no')).toHaveLength(1);
      expect(answers.filter(({ already }) => already === 'alike')).toHaveLength(9);
    }
  });

  test('at the same moment by its Pod and by its workload makes one session', async () => {
    const name = uniqueName('checkout');
    const answers = await lab.together(4, () =>
      Promise.all([
        replica.ask({ target: deployment(name) }),
        other.ask({ target: pod(`${name}-1`) }),
        replica.ask({ target: pod(`${name}-1`) }),
        other.ask({ target: deployment(name) }),
      ]),
    );
    expect(ids(answers).size).toBe(1);
  });
});

describe('a key', () => {
  test('of a request that is like an open one stands for nothing: it may be used again', async () => {
    const target = pod(uniqueName('web'));
    const key = uniqueName('key');
    const first = await replica.ask({ target });
    expect(await replica.ask({ target }, { key })).toEqual({
      session: first.session,
      already: 'alike',
    });
    await replica.withdraw(first.session);
    const second = await replica.ask({ target }, { key });
    expect(second.already).toBe('no');
    expect(await other.ask({ target }, { key })).toEqual({ ...second, already: 'same-key' });
  });

  test('stands for its session even after that is over', async () => {
    const target = pod(uniqueName('web'));
    const key = uniqueName('key');
    const first = await replica.ask({ target }, { key });
    await replica.withdraw(first.session);
    const again = await replica.ask({ target }, { key });
    expect(again).toMatchObject({ session: { id: first.session.id }, already: 'same-key' });
  });

  test('each, at the same moment, does not make two sessions of requests that are alike', async () => {
    const target = pod(uniqueName('web'));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        (i % 2 ? replica : other).ask({ target }, { key: uniqueName('key') }),
      ),
    );
    expect(ids(answers).size).toBe(1);
  });
});
