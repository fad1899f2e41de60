import { afterEach, expect, test } from 'vitest';
import type { ReadinessCheck } from '../../src/adapters/http/management.server.js';
import { ManagementServer } from '../../src/adapters/http/management.server.js';

let server: ManagementServer | undefined;
afterEach(() => server?.close());

async function start(checks: ReadinessCheck[]) {
  const started = new ManagementServer(checks);
  server = started;
  const port = await started.listen(0, '127.0.0.1');
  return async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

test('a replica is ready while all that it needs works', async () => {
  const get = await start([{ name: 'database', check: async () => true }]);
  expect(await get('/readyz')).toEqual({
    status: 200,
    body: { status: 'ready', checks: { database: 'ok' } },
  });
});

test('a replica that lacks something is alive and not ready, and says what it lacks', async () => {
  const get = await start([
    { name: 'database', check: async () => 'the schema is older than the program' },
    { name: 'policies', check: async () => true },
  ]);
  expect((await get('/healthz')).status).toBe(200);
  expect(await get('/readyz')).toEqual({
    status: 503,
    body: {
      status: 'not ready',
      checks: { database: 'the schema is older than the program', policies: 'ok' },
    },
  });
});

test('what a check throws is not shown', async () => {
  const get = await start([
    { name: 'database', check: () => Promise.reject(new Error('password=hunter2')) },
  ]);
  expect(await get('/readyz')).toEqual({
    status: 503,
    body: { status: 'not ready', checks: { database: 'failed' } },
  });
});

test('a check that does not answer does not hold the answer up', async () => {
  const get = await start([{ name: 'database', check: () => new Promise(() => undefined) }]);
  expect((await get('/readyz')).body).toEqual({
    status: 'not ready',
    checks: { database: 'does not answer' },
  });
});

test('a check keeps what it belongs to', async () => {
  class Check implements ReadinessCheck {
    readonly name = 'mine';
    private readonly fine = true as const;
    async check() {
      return this.fine;
    }
  }
  expect((await (await start([new Check()]))('/readyz')).status).toBe(200);
});

test('a replica that is being stopped is alive and not ready', async () => {
  const get = await start([]);
  server?.drain();
  expect((await get('/healthz')).status).toBe(200);
  expect(await get('/readyz')).toEqual({ status: 503, body: { status: 'draining', checks: {} } });
});

test('a replica with something that an operator should know is ready, and says it', async () => {
  const get = await start([
    { name: 'policies', check: async () => ({ ok: true, note: 'the folders hold another set' }) },
  ]);
  expect(await get('/readyz')).toEqual({
    status: 200,
    body: { status: 'ready', checks: { policies: 'ok, but the folders hold another set' } },
  });
});

test('there is nothing else on this port', async () => {
  const get = await start([]);
  expect((await get('/v1/sessions')).status).toBe(404);
  expect((await get('/healthz', 'POST')).status).toBe(405);
});
