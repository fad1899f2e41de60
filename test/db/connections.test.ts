import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { freshDatabase } from '../support/postgres.js';

test('who wants to end sessions has the connections that are kept for it, until so many do that they wait with all others', async () => {
  const fresh = await freshDatabase();
  // One of four is kept.
  const database = new Database({ url: fresh.serviceUrl, poolSize: 4 }, () => undefined);
  onTestFinished(async () => {
    await database.close();
    await fresh.drop();
  });
  const asking = await Promise.all([1, 2, 3].map(() => database.pool.connect()));
  const wanted = () => database.urgentlyIfFew(async () => database.pool.query('SELECT 1'));
  expect((await wanted()).rowCount).toBe(1);

  const ending = await database.urgently(() => database.pool.connect());
  const few = Array.from({ length: 10 }, wanted);
  expect(database.waiting).toBe(0);
  const tooMany = wanted();
  expect(database.waiting).toBe(1);
  asking.forEach((it) => it.release());
  expect((await tooMany).rowCount).toBe(1);

  ending.release();
  expect(await Promise.all(few)).toHaveLength(10);
});
