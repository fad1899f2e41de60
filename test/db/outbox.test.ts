import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaOutbox } from '../../src/adapters/prisma/prisma-outbox.js';
import { DeliverNews } from '../../src/app/deliver-news.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { freshDatabase } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

let fresh: TestDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 6 }, () => undefined);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

let ids: bigint[];
beforeEach(async () => {
  const { rows } = await database.pool.query<{ id: string }>(
    `INSERT INTO outbox (topic, payload, created_at)
     SELECT 'bypass', '{}', now() FROM generate_series(1, 30) RETURNING id`,
  );
  ids = rows.map(({ id }) => BigInt(id));
});

test('replicas that look at once tell everything in order, and once', async () => {
  const told: bigint[] = [];
  const replica = async () => {
    const outbox = new PrismaOutbox(database);
    while (told.length < ids.length) {
      await outbox.deliver(7, ({ id }) => {
        told.push(id);
        return new Promise((resolve) => setImmediate(resolve));
      });
    }
  };
  await Promise.all([replica(), replica(), replica()]);
  expect(told).toEqual(ids);
});

test('what takes long to tell is marked in between, and none of it is told again', async () => {
  const outbox = new PrismaOutbox(database, 20);
  const told: bigint[] = [];
  const counts: number[] = [];
  for (let count = 1; count > 0; counts.push(count)) {
    count = await outbox.deliver(100, async ({ id }) => {
      told.push(id);
      await database.pool.query('SELECT pg_sleep(0.015)');
    });
  }
  expect(told).toEqual(ids);
  expect(counts.length).toBeGreaterThan(3);
});

test('what cannot be told holds back what comes after it, and nothing before', async () => {
  const outbox = new PrismaOutbox(database);
  const told: bigint[] = [];
  let isBroken = true;
  const tell = ({ id }: { readonly id: bigint }) => {
    if (isBroken && id === ids[3]) return Promise.reject(new Error('away'));
    told.push(id);
    return Promise.resolve();
  };
  expect(await outbox.deliver(100, tell)).toBe(3);
  await expect(outbox.deliver(100, tell)).rejects.toThrow('news could not be told');
  isBroken = false;
  expect(await outbox.deliver(100, tell)).toBe(27);
  expect(told).toEqual(ids);
});

test('what this replica writes is told soon after it: it does not wait to be looked for', async () => {
  let [told, idle] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  class Watched extends PrismaOutbox {
    override async deliver(...args: Parameters<PrismaOutbox['deliver']>): Promise<number> {
      const count = await super.deliver(...args);
      if (count === 0) idle.resolve(undefined);
      return count;
    }
  }
  const delivering = new DeliverNews({
    outbox: new Watched(database),
    notifiers: [{ tell: () => Promise.resolve(told.resolve(undefined)) }],
    clock: { now: () => new Date() },
    journal: new MemoryJournal(),
  });
  delivering.start();
  const rounds = 15;
  const fromMs = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    await idle.promise;
    [told, idle] = [Promise.withResolvers(), Promise.withResolvers()];
    await database.pool.query(
      `INSERT INTO outbox (topic, payload, created_at) VALUES ('bypass', '{}', now())`,
    );
    delivering.wake();
    await told.promise;
  }
  const tookMs = performance.now() - fromMs;
  await delivering.stop();
  // Looked for once a second, they would take as many seconds.
  expect(tookMs).toBeLessThan((rounds * 1_000) / 2);
});
