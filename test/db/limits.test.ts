import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { factsHash } from '../../src/domain/policy/facts.hash.js';
import { evaluate } from '../../src/domain/policy/evaluate.js';
import type { Person } from '../../src/domain/person.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import type { Asking } from '../../src/app/request-session.js';
import type { Replica } from './asking.lab.js';
import { allow, AskingLab, deployment, pod, ROBIN, setOf } from './asking.lab.js';

const RULES = [
  allow('few-each', { terms: { concurrent: { perPerson: 2, perPod: null } } }),
  allow('one-a-pod', {
    match: { namespaces: ['vault'] },
    terms: { concurrent: { perPerson: null, perPod: 1 } },
  }),
  allow('labelled', {
    match: {
      namespaces: ['labelled'],
      namespaceSelector: [{ key: 'tier', operator: 'In', values: ['prod'] }],
    },
  }),
];
const RULES_SET = setOf(...RULES);

let lab: AskingLab;
let replica: Replica;
let other: Replica;
beforeAll(async () => {
  lab = await AskingLab.start(RULES_SET);
  replica = lab.replica();
  other = lab.replica();
});
afterEach(() => {
  lab.clusters.meanwhile = undefined;
});
afterAll(() => lab[Symbol.asyncDispose]());

const somebody = (over: Partial<Person> = {}): Person => ({
  ...ROBIN,
  sub: uniqueName('person'),
  ...over,
});

describe('a limit of open sessions', () => {
  /** Ten asks by two replicas, all of which were let in when they were decided. */
  const tenAtOnce = (ask: (index: number, by: Replica) => Promise<Asking>) =>
    lab.together(10, () =>
      Promise.all(Array.from({ length: 10 }, (_, i) => ask(i, i % 2 ? replica : other))),
    );
  const denied = (answers: readonly Asking[]) =>
    answers.flatMap(({ session }) => (session.state === 'denied' ? [session.endDetail] : []));

  test('of one person is never passed, however many are asked for at once', async () => {
    const person = somebody();
    const answers = await tenAtOnce((_, by) =>
      by.ask({ target: pod(uniqueName('web')) }, { person }),
    );
    expect(denied(answers)).toEqual(
      Array.from(
        { length: 8 },
        () =>
          'The policy "few-each" would allow it, but it allows 2 sessions of one person at once, and you have 2: end one first.',
      ),
    );
  });

  test('of one human counts the sessions of all accounts together', async () => {
    const human = uniqueName('human');
    const answers = await tenAtOnce((_, by) =>
      by.ask({ target: pod(uniqueName('web')) }, { person: somebody({ human }) }),
    );
    expect(denied(answers)).toHaveLength(8);
  });

  test('on one Pod is never passed, whoever asks and by whatever name', async () => {
    const namespace = 'vault';
    const name = uniqueName('checkout');
    const answers = await tenAtOnce((i, by) => {
      const target = i % 3 ? pod(`${name}-1`) : deployment(name);
      return by.ask({ namespace, target }, { person: somebody() });
    });
    expect(denied(answers)).toHaveLength(9);
    expect(denied(answers)[0]).toContain(
      'it allows one session on one Pod at once, and there is 1',
    );
  });

  test('leaves room again as soon as one is over', async () => {
    const namespace = 'vault';
    const target = pod(uniqueName('web'));
    const { session } = await replica.ask({ namespace, target });
    await replica.withdraw(session);
    const next = await other.ask({ namespace, target }, { person: somebody() });
    expect(next.session.state).toBe('approved');
  });
});

describe('a policy set that is switched while somebody asks', () => {
  afterEach(() => lab.putInForce(RULES_SET));

  test('decides: what the set of before allowed is not written', async () => {
    const stricter = setOf(...RULES.slice(1));
    lab.clusters.meanwhile = async () => {
      lab.clusters.meanwhile = undefined;
      await lab.putInForce(stricter);
    };
    const person = somebody();
    const { session } = await replica.ask({}, { person });
    expect(session.state).toBe('denied');
    const [decision] = await replica.store.decisions(session.id);
    expect(decision?.policyHash).toBe(stricter.hash);
    const mine = { kind: 'own', person } as const;
    expect(await replica.store.list({ visibility: mine, filter: {}, limit: 10 })).toHaveLength(1);
  });

  test('again and again is told to the one who asks, and nothing is written', async () => {
    const person = somebody();
    let turn = 0;
    lab.clusters.meanwhile = () => lab.putInForce(setOf(...RULES, allow(`switch-${turn++}`)));
    const answer = await lab.replica().tryAsking({}, { person });
    expect(answer).toMatchObject({ problem: 'write-conflict' });
    const mine = { kind: 'own', person } as const;
    expect(await replica.store.list({ visibility: mine, filter: {}, limit: 10 })).toEqual([]);
  });
});

describe('what a decision was made from', () => {
  test('is kept beside it, whole, so that it can be made again', async () => {
    const { session } = await lab
      .replica()
      .ask(
        { namespace: 'labelled', ticket: 'INC-1' },
        { person: somebody({ email: 'k@example.com' }) },
      );
    const [decision] = await replica.store.decisions(session.id);
    const facts = decision?.facts;
    if (!facts) throw new Error('no facts');
    expect(facts.now).toBeInstanceOf(Date);
    expect(facts).toMatchObject({
      requester: { email: 'k@example.com', authAgeSeconds: null },
      target: {
        found: {
          namespaceAnnotations: null,
          annotations: { note: 'a "quoted" note, \u00e9\u{1f511}' },
          restarts: 3,
        },
      },
      request: { ticket: 'INC-1', breakGlass: false },
      history: { mine: { open: 0 }, target: { open: 0 } },
    });
    expect(evaluate(RULES_SET, facts)).toEqual({
      verdict: 'grant',
      grant: session.grant,
      explanation: decision.explanation,
    });
  });

  test('can be checked against the audit log, of a refusal too', async () => {
    const log = new PrismaAuditLog(lab.database());
    const asking = lab.replica();
    for (const namespace of ['labelled', 'elsewhere']) {
      const { session } = await asking.ask({ namespace }, { person: somebody() });
      const [decision] = await replica.store.decisions(session.id);
      const [entry] = await log.read({ sessionId: session.id, limit: 10 });
      if (!decision?.facts) throw new Error('no facts');
      expect(entry?.body).toMatchObject({ data: { factsHash: factsHash(decision.facts) } });
      const forged = { ...decision.facts, onCall: { payments: true } };
      expect(factsHash(forged)).not.toBe(factsHash(decision.facts));
    }
  });
});

describe('a request that no rule could allow', () => {
  test('never reaches the cluster, and does not tell whether there is such a Pod', async () => {
    const asking = lab.replica();
    const before = lab.clusters.calls.length;
    const answers = await Promise.all(
      ['web', 'no-web'].map((name) =>
        asking.ask({ namespace: 'elsewhere', target: pod(name) }, { person: somebody() }),
      ),
    );
    expect(lab.clusters.calls).toHaveLength(before);
    const [there, absent] = answers.map(({ session }) => ({
      state: session.state,
      pin: session.pin,
      detail: session.endDetail,
    }));
    expect(there).toEqual(absent);
    expect(there).toMatchObject({ state: 'denied', pin: null });
  });

  test('for what it lacks never reaches the cluster either', async () => {
    const before = lab.clusters.calls.length;
    const { session } = await lab
      .replica()
      .ask({ namespace: 'labelled', durationSeconds: 7_200 }, { person: somebody() });
    expect(session).toMatchObject({ state: 'denied', pin: null });
    expect(lab.clusters.calls).toHaveLength(before);
  });

  test('but that the cluster could make one for is taken there', async () => {
    const before = lab.clusters.calls.length;
    const answer = await lab
      .replica()
      .tryAsking({ namespace: 'labelled', target: pod('no-web') }, { person: somebody() });
    expect(answer).toMatchObject({ problem: 'target-not-found' });
    expect(lab.clusters.calls).toHaveLength(before + 1);
  });
});
