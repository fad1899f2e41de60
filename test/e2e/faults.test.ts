import '../support/needs.containers.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { FaultEffect, FaultMatch } from '../../sandbox/cluster/faults.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import type { SessionDetails } from '../../src/contract/session.schema.js';
import type { Broker } from '../../src/broker.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
let broker: Broker;
let robin: ApiClient;
let audrey: ApiClient;

beforeAll(async () => {
  // Longer than between two looks at an active session, so that one falls between a container's end and its Pod's.
  lab = await BrokerLab.start({ cluster: { timings: { removalMs: 1_500 } } });
  broker = await lab.broker();
  robin = await lab.as('requester', broker);
  audrey = await lab.as('auditor', broker);
});
afterEach(() => {
  lab.sandbox.cluster.faults.clear();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A Pod of the test's own, running. */
async function pod(): Promise<string> {
  const name = uniqueName('web');
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace: 'staging', name });
  await cluster.untilPod('staging', name, (it) => it?.status.phase === 'Running');
  return name;
}

const ask = (name: string, durationSeconds: number): Promise<SessionDetails> =>
  robin.ask({
    namespace: 'staging',
    target: { pod: name },
    profile: 'shell',
    reason: 'a trial of faults',
    durationSeconds,
  });

const containersOf = (name: string): string[] =>
  lab.sandbox.cluster.pod('staging', name)?.spec.ephemeralContainers?.map((it) => it.name) ?? [];

const PATCH: FaultMatch = { method: 'PATCH', path: /ephemeralcontainers/ };

const PASSING: readonly (readonly [string, FaultMatch, FaultEffect])[] = [
  ['answers 409 twice', { ...PATCH, times: 2 }, { kind: 'refuse', status: 409 }],
  [
    'answers 429 with Retry-After',
    { ...PATCH, times: 1 },
    { kind: 'refuse', status: 429, retryAfterSeconds: 1 },
  ],
  ['answers 500 twice', { ...PATCH, times: 2 }, { kind: 'refuse', status: 500 }],
  ['answers 503 once', { ...PATCH, times: 1 }, { kind: 'refuse', status: 503 }],
  [
    'drops the connection before the patch takes effect',
    { ...PATCH, times: 1 },
    { kind: 'drop', when: 'before' },
  ],
  [
    'drops the connection after the patch took effect',
    { ...PATCH, times: 1 },
    { kind: 'drop', when: 'after' },
  ],
  ['lets its watches fall silent', { path: /watch=/ }, { kind: 'silent-watch' }],
  ['cuts its watches', { path: /watch=/ }, { kind: 'cut-watch', afterMs: 20 }],
  [
    'ends its watches with 410',
    { path: /watch=/, times: 2 },
    { kind: 'expire-watch', afterMs: 10 },
  ],
  ['takes its time', { path: /pods/ }, { kind: 'delay', delayMs: 300 }],
];

describe('a session lives through an API server that', () => {
  test.each(PASSING)('%s', async (_, match, effect) => {
    const name = await pod();
    lab.sandbox.cluster.faults.add({ match, effect });
    const { id } = await ask(name, 2);
    const ended = await robin.until(id, ['ended']);
    expect(ended).toMatchObject({ endReason: 'deadline' });
    expect(containersOf(name)).toEqual([`hallpass-${id}`]);
  });
});

describe('a start that cannot be', () => {
  test('because the API server refuses for good ends at once, with what it said', async () => {
    const name = await pod();
    lab.sandbox.cluster.faults.add({
      match: PATCH,
      effect: { kind: 'refuse', status: 403, message: 'not by this webhook' },
    });
    const { id } = await ask(name, 2);
    const ended = await robin.until(id, ['ended']);
    expect(ended).toMatchObject({
      endReason: 'start-failed',
      endDetail: expect.stringContaining('not by this webhook'),
    });
    expect(containersOf(name)).toEqual([]);
  });

  test('because the node never starts it ends at its start deadline, and can hold no more', async () => {
    const name = await pod();
    lab.sandbox.cluster.faults.add({ match: { pod: name }, effect: { kind: 'never-start' } });
    const quick = await lab.broker({ surroundings: { sessions: SHORT } });
    // The other replica would do as well, but with its own, longer start deadline.
    const { id } = await (
      await lab.as('requester', quick)
    ).ask({
      namespace: 'staging',
      target: { pod: name },
      profile: 'shell',
      reason: 'a trial of faults',
      durationSeconds: 60,
      start: 'manual',
    });
    await (await lab.as('requester', quick)).act(id, 'start');
    const ended = await robin.until(id, ['ended']);
    expect(ended).toMatchObject({ endReason: 'start-failed' });
    const events = await audrey.audit(id);
    expect(events.map(({ action }) => action)).toEqual([
      'session.grant',
      'session.start',
      'session.fail',
      'session.finish',
    ]);
  });
});

const SHORT = {
  startDeadlineSeconds: 1,
  startGraceSeconds: 1,
  leaseSeconds: 1,
  checkSeconds: 1,
} as const;

describe('a session that is active', () => {
  test('ends as gone when its Pod is deleted, and says so', async () => {
    const name = await pod();
    const { id } = await ask(name, 60);
    await robin.until(id, ['active']);
    lab.sandbox.cluster.deletePod('staging', name);
    expect(await robin.until(id, ['ended'])).toMatchObject({ endReason: 'pod-gone' });
  });

  test('is ended though the API server is away at its deadline, once it is back', async () => {
    const name = await pod();
    const { id } = await ask(name, 5);
    await robin.until(id, ['active']);
    lab.sandbox.cluster.faults.add({ match: {}, effect: { kind: 'drop', when: 'before' } });
    const ending = await robin.until(id, ['ending']);
    expect(ending.endedAt).toBeNull();
    lab.sandbox.cluster.faults.clear();
    expect(await robin.until(id, ['ended'])).toMatchObject({ endReason: 'deadline' });
    // Whoever asks is let in again once it is known to be back.
    const after = await pod();
    await vi.waitUntil(() => ask(after, 2).catch(() => undefined), 20_000);
  }, 90_000);
});

describe('while the database is away', () => {
  test('requests are answered 503 with Retry-After, and afterwards the session ends as it should', async () => {
    const name = await pod();
    const { id } = await ask(name, 3);
    await robin.until(id, ['active']);
    const database = new URL(lab.database.serviceUrl).pathname.slice(1);
    await asAdmin(withoutDatabase(lab.database.adminUrl), async (client) => {
      await client.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
      await client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
        [database],
      );
      const answer = await robin.call('GET', `/v1/sessions/${id}`);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.body).toMatchObject({ type: expect.stringContaining('database') });
      expect((await fetch(`${broker.managementUrl}/readyz`)).status).toBe(503);
      expect((await fetch(`${broker.managementUrl}/healthz`)).status).toBe(200);
      await client.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
    });
    expect(await robin.until(id, ['ended'])).toMatchObject({ endReason: 'deadline' });
    expect((await fetch(`${broker.managementUrl}/readyz`)).status).toBe(200);
  });
});

describe('while the disk of the database is full', () => {
  test('asking is refused, nothing is acknowledged that is not kept, and a session ends at its deadline', async () => {
    const [name, other] = [await pod(), await pod()];
    const { id } = await ask(name, 4);
    await robin.until(id, ['active']);
    const admin = <T extends object>(text: string) =>
      asAdmin(lab.database.adminUrl, async (client) => (await client.query<T>(text)).rows);
    const kept = async () =>
      (await admin<{ n: number }>('SELECT count(*)::int AS n FROM audit_events'))[0]?.n;
    // As PostgreSQL says it when a table cannot grow.
    await admin(
      `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
       CREATE TRIGGER aa_no_room BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION no_room();
       ALTER TABLE audit_events ENABLE ALWAYS TRIGGER aa_no_room`,
    );
    const before = await kept();
    try {
      const answer = await robin.call('POST', '/v1/sessions', {
        body: {
          cluster: 'sandbox',
          namespace: 'staging',
          target: { pod: other },
          profile: 'shell',
          reason: 'a trial of faults',
        },
      });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.body).toMatchObject({ type: expect.stringContaining('database') });
      await lab.sandbox.cluster.untilPod('staging', name, (it) =>
        (it?.status.ephemeralContainerStatuses ?? []).every(({ state }) => state?.terminated),
      );
      expect(await kept()).toBe(before);
    } finally {
      await admin('DROP TRIGGER aa_no_room ON audit_events; DROP FUNCTION no_room()');
    }
    expect(await robin.until(id, ['ended'])).toMatchObject({ endReason: 'deadline' });
    expect(await kept()).toBeGreaterThan(before ?? 0);
  });
});

function withoutDatabase(url: string): string {
  const elsewhere = new URL(url);
  elsewhere.pathname = '/postgres';
  return elsewhere.toString();
}
