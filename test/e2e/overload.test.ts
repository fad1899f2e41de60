import '../support/needs.containers.js';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import type { Broker } from '../../src/broker.js';
import type { NewSession } from '../../src/contract/session.schema.js';
import { BrokerLab } from '../support/broker.lab.js';
import { tookMs } from '../support/own.time.js';

/** More than one replica lets be under way at once for one cluster. */
const ASKS = 60;
const TOO_BUSY = 'urn:hallpass:problem:too-busy';
/** A database that is slow to take what is asked for, as long as somebody holds the lock 42. */
const SLOW_ASKS = `
  CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NULL; END $$;
  CREATE TRIGGER slow BEFORE INSERT ON sessions FOR EACH STATEMENT EXECUTE FUNCTION slow()`;

vi.setConfig({ testTimeout: 90_000 });

let lab: BrokerLab;
let broker: Broker;
beforeAll(async () => {
  lab = await BrokerLab.start({ cluster: { port: 0 } });
  broker = await lab.broker();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function wish(): Promise<NewSession> {
  const pod = uniqueName('web');
  const image = 'docker.io/library/busybox:1';
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace: 'staging', name: pod, image, command: ['sleep', '3600'] });
  await cluster.untilPod('staging', pod, (it) => it?.status.phase === 'Running');
  return {
    namespace: 'staging',
    target: { pod },
    profile: 'shell',
    reason: 'too much is going on',
    durationSeconds: 300,
  };
}

test('while asks wait for a slow database, more are refused at once, and sessions still end within a second', async () => {
  const robin = await lab.as('requester', broker);
  const { id } = await robin.ask(await wish());
  await robin.until(id, ['active']);
  const body = await wish();

  await asAdmin(lab.database.adminUrl, async (client) => {
    await client.query(SLOW_ASKS);
    await client.query('SELECT pg_advisory_lock(42)');
    const refused: { status: number; type: unknown; retryAfter: string | null }[] = [];
    const asks = Array.from({ length: ASKS }, async () => {
      const headers = { 'idempotency-key': randomUUID() };
      const answer = await robin.call('POST', '/v1/sessions', { body, headers });
      const { type } = answer.body as { type?: string };
      if (type === TOO_BUSY)
        refused.push({
          status: answer.status,
          type,
          retryAfter: answer.headers.get('retry-after'),
        });
    });
    await vi.waitFor(() => expect(refused.length).toBeGreaterThanOrEqual(ASKS - 50), {
      timeout: 25_000,
    });
    expect(refused[0]).toEqual({
      status: 503,
      type: TOO_BUSY,
      retryAfter: '5',
    });

    const ending = async () =>
      expect((await robin.call('POST', `/v1/sessions/${id}/end`, { body: {} })).status).toBe(200);
    expect(await tookMs(ending)).toBeLessThan(1_000);
    expect((await fetch(`${broker.managementUrl}/readyz`)).status).toBe(200);
    await vi.waitFor(
      async () => {
        const { rows } = await client.query('SELECT state FROM sessions WHERE id = $1', [id]);
        expect(rows).toEqual([{ state: 'ended' }]);
      },
      { timeout: 10_000 },
    );
    await client.query('SELECT pg_advisory_unlock(42)');
    await Promise.all(asks);
  });
});

test('whoever asks is told how often they may, and too often when they may again', async () => {
  const asksPerMinute = { person: 2, address: 100, all: 100 };
  const strict = await lab.broker({ surroundings: { sessions: { asksPerMinute } } });
  const robin = await lab.as('requester', strict);
  const ask = async () => robin.call('POST', '/v1/sessions', { body: await wish() });
  const first = await ask();
  expect(first.status).toBe(201);
  expect(first.headers.get('ratelimit-policy')).toBe(
    '"person";q=2;w=60, "address";q=100;w=60, "all";q=100;w=60',
  );
  expect(first.headers.get('ratelimit')).toMatch(/^"person";r=2;t=0, /);
  expect((await ask()).status).toBe(201);
  const third = await ask();
  expect([third.status, third.body]).toMatchObject([
    429,
    { type: 'urn:hallpass:problem:too-many-requests' },
  ]);
  expect(third.headers.get('ratelimit')).toMatch(/^"person";r=0;/);
  expect(Number(third.headers.get('retry-after'))).toBeLessThanOrEqual(30);
});
