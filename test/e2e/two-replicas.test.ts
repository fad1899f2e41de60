import '../support/needs.containers.js';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, ApiRefusal } from '../../sandbox/broker/api.client.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import type { SessionStore } from '../../src/app/ports/session.store.js';
import type { Broker } from '../../src/broker.js';
import type { NewSession } from '../../src/contract/session.schema.js';
import { ALWAYS, broken, gather, IN_THE_END } from '../crash/evidence.js';
import { replacing } from '../../src/app/replacing.js';
import { BrokerLab } from '../support/broker.lab.js';

const IDLE = ['sleep', '3600'];

/** Lets two calls of people come to the database together, each having seen nothing of the other. */
class Race {
  private gate: { arrived: number; readonly open: PromiseWithResolvers<void> } | undefined;

  readonly store = (inner: SessionStore): SessionStore =>
    replacing(inner, {
      write: async (step) => {
        if (step.actor.kind === 'person') await this.waitForBoth();
        return inner.write(step);
      },
    });

  async between<T>(...calls: [() => Promise<T>, () => Promise<T>]): Promise<Outcome<T>> {
    this.gate = { arrived: 0, open: Promise.withResolvers() };
    const settled = await Promise.allSettled(calls.map((call) => call()));
    this.gate = undefined;
    return {
      won: settled.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : [])),
      refused: settled.flatMap((it) => (it.status === 'rejected' ? [refusalOf(it.reason)] : [])),
    };
  }

  private async waitForBoth(): Promise<void> {
    if (!this.gate) return;
    if (++this.gate.arrived === 2) this.gate.open.resolve();
    await this.gate.open.promise;
  }
}

interface Outcome<T> {
  readonly won: readonly T[];
  /** The problems' types. */
  readonly refused: readonly string[];
}

function refusalOf(reason: unknown): string {
  if (!(reason instanceof ApiRefusal)) throw reason;
  const { type } = reason.answer.body as { type: string };
  return type.replace('urn:hallpass:problem:', '');
}

const race = new Race();
let lab: BrokerLab;
let superuser: pg.Pool;
let replicas: [Broker, Broker];

beforeAll(async () => {
  lab = await BrokerLab.start({ cluster: { port: 0 } });
  superuser = new pg.Pool({ connectionString: lab.database.adminUrl, max: 2 });
  const options = { around: { store: race.store } };
  replicas = [await lab.broker(options), await lab.broker(options)];
});
afterAll(async () => {
  await superuser.end();
  await lab[Symbol.asyncDispose]();
});

/** These people, the first at one replica and the second at the other. */
async function at(one: PersonKey, other: PersonKey): Promise<[ApiClient, ApiClient]> {
  return [await lab.as(one, replicas[0]), await lab.as(other, replicas[1])];
}

interface Target {
  readonly request: NewSession;
  /** What is left of its session when that has ended: all promises kept. Gives the events of its history. */
  readonly history: () => Promise<string[]>;
}

/** A Pod to ask for, which nobody else asks for. In `payments` somebody has to consent. */
async function target(
  namespace: 'staging' | 'payments',
  more: Partial<NewSession> = {},
): Promise<Target> {
  const podName = uniqueName('web');
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace, name: podName, image: 'docker.io/library/busybox:1', command: IDLE });
  await cluster.untilPod(namespace, podName, (pod) => pod?.status.phase === 'Running');
  const look = () => gather({ superuser, cluster, namespace, podName });
  return {
    request: {
      namespace,
      target: { pod: podName },
      profile: 'shell',
      reason: 'two replicas meet',
      durationSeconds: 300,
      ...more,
    },
    history: async () => {
      const isOver = async () => broken(IN_THE_END, await look());
      await expect.poll(isOver, { timeout: 10_000 }).toEqual([]);
      const evidence = await look();
      expect(broken(ALWAYS, evidence)).toEqual([]);
      return evidence.stored.events.map(({ event }) => event);
    },
  };
}

function count(list: readonly string[], wanted: string): number {
  return list.filter((it) => it === wanted).length;
}

test('one key asked with at both replicas is one session, and both are told of it', async () => {
  const [robin, robinToo] = await at('requester', 'requester');
  const { request, history } = await target('staging');
  const key = { 'idempotency-key': randomUUID() };
  const { won, refused } = await race.between(
    () => robin.ask(request, key),
    () => robinToo.ask(request, key),
  );
  expect(refused).toEqual([]);
  expect(won[0]?.id).toBe(won[1]?.id);
  const id = won[0]?.id ?? '';
  await robin.until(id, ['active']);
  await robinToo.act(id, 'end');
  await robin.until(id, ['ended']);
  expect(count(await history(), 'grant')).toBe(1);
});

test.each([
  { whose: 'two approvers', people: ['approver', 'secondApprover'] },
  { whose: 'one approver twice', people: ['approver', 'approver'] },
] as const)(
  'of two consents at once, of $whose, one counts and the other is refused',
  async ({ people }) => {
    const [one, other] = await at(people[0], people[1]);
    const [robin] = await at('requester', 'requester');
    const { request, history } = await target('payments');
    const seen = await robin.ask(request);
    const { won, refused } = await race.between(
      () => one.decide(seen, 'approve'),
      () => other.decide(seen, 'approve'),
    );
    expect(won).toHaveLength(1);
    expect(refused).toEqual(['changed-since-seen']);
    await robin.until(seen.id, ['active']);
    await robin.act(seen.id, 'end');
    await robin.until(seen.id, ['ended']);
    expect(count(await history(), 'approve')).toBe(1);
  },
);

test('of a consent and a denial at once, one counts and the other is refused', async () => {
  const [alex, sam] = await at('approver', 'secondApprover');
  const [robin] = await at('requester', 'requester');
  const { request } = await target('payments', { start: 'manual' });
  const seen = await robin.ask(request);
  const { won, refused } = await race.between(
    () => alex.decide(seen, 'approve'),
    () => sam.decide(seen, 'deny'),
  );
  expect(won).toHaveLength(1);
  expect(refused).toEqual(['changed-since-seen']);
  const { state } = await robin.session(seen.id);
  expect([won[0]?.state]).toEqual([state]);
});

test('of a consent that is taken back and a start at once, one is written and the other refused', async () => {
  const [alex, robin] = await at('approver', 'requester');
  const { request, history } = await target('payments', { start: 'manual' });
  const { id } = await robin.ask(request);
  const approved = await alex.decide(await alex.session(id), 'approve');
  const { won, refused } = await race.between(
    () => alex.decide(approved, 'retract'),
    () => robin.act(id, 'start'),
  );
  expect(won).toHaveLength(1);
  const hasStarted = won[0]?.state === 'starting';
  expect(won[0]?.state).toBe(hasStarted ? 'starting' : 'pending');
  expect(refused).toEqual([hasStarted ? 'changed-since-seen' : 'illegal-transition']);
  await robin.act(id, 'end');
  await robin.until(id, ['ended']);
  const events = await history();
  expect(count(events, 'start') + count(events, 'retract')).toBe(1);
});

test.each([
  { wish: 'start', when: 'approved', people: ['requester', 'requester'], event: 'start' },
  { wish: 'end', when: 'active', people: ['requester', 'requester'], event: 'leave' },
  { wish: 'revoke', when: 'active', people: ['approver', 'admin'], event: 'revoke' },
] as const)(
  'of two wishes to $wish at once, one is written and the other told that it is done',
  async ({ wish, when, people, event }) => {
    const [robin, alex] = await at('requester', 'approver');
    const { request, history } = await target('payments', {
      start: when === 'approved' ? 'manual' : 'on-approval',
    });
    const { id } = await robin.ask(request);
    await alex.decide(await alex.session(id), 'approve');
    await robin.until(id, [when]);

    const [one, other] = await at(people[0], people[1]);
    const { won, refused } = await race.between(
      () => one.act(id, wish),
      () => other.act(id, wish),
    );
    expect(won).toHaveLength(1);
    expect(refused).toEqual(['illegal-transition']);

    if (wish === 'start') await robin.act(id, 'end');
    await robin.until(id, ['ended']);
    const events = await history();
    expect(count(events, event)).toBe(1);
    expect(count(events, 'start')).toBe(1);
  },
);

test('an end and a revocation at once are one ending, on the word that came first', async () => {
  const [robin, alex] = await at('requester', 'approver');
  const { request, history } = await target('payments');
  const { id } = await robin.ask(request);
  await alex.decide(await alex.session(id), 'approve');
  await robin.until(id, ['active']);
  const { won, refused } = await race.between(
    () => robin.act(id, 'end'),
    () => alex.act(id, 'revoke'),
  );
  expect(won).toHaveLength(1);
  expect(refused).toEqual(['illegal-transition']);
  const { endReason } = await robin.until(id, ['ended']);
  expect(endReason).toBe(won[0]?.endReason);
  const events = await history();
  expect(count(events, 'leave') + count(events, 'revoke')).toBe(1);
});

test('sessions whose time is up under both replicas start once, expire once and end once', async () => {
  const [robin, robinToo] = await at('requester', 'requester');
  await Promise.all(
    [robin, robinToo, robin, robinToo].map(async (client) => {
      const { request, history } = await target('staging', { durationSeconds: 2 });
      const { id } = await client.ask(request);
      await client.until(id, ['ended']);
      const events = await history();
      for (const event of ['start', 'run', 'expire', 'finish']) {
        expect(count(events, event), event).toBe(1);
      }
    }),
  );
});
