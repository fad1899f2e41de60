import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { inTransaction } from '../../src/adapters/prisma/transaction.js';
import { freshDatabase } from '../support/postgres.js';

test('a connection that breaks between two statements fails its transaction, and nothing else', async () => {
  const fresh = await freshDatabase();
  const database = new Database({ url: fresh.serviceUrl, poolSize: 2 }, () => undefined);
  onTestFinished(async () => {
    await database.close();
    await fresh.drop();
  });
  const broken = inTransaction(database.pool, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)));
    await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    await client.query('SELECT 1');
  });
  await expect(broken).rejects.toThrow(/connection/i);
  const { rows } = await database.pool.query<{ one: number }>('SELECT 1 AS one');
  expect(rows).toEqual([{ one: 1 }]);
});
