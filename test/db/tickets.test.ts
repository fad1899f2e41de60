import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaTicketStore } from '../../src/adapters/prisma/prisma-ticket.store.js';
import type { Bearer, TicketUse } from '../../src/app/ports/ticket.store.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { newTicket, ticketDigest } from '../../src/domain/ticket.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { keptSession } from '../support/kept.session.js';
import { ALEX, ROBIN } from '../support/sessions.js';

let fresh: TestDatabase;
let database: Database;
let other: Database;
let tickets: PrismaTicketStore;
let session: SessionId;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
  other = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
  tickets = new PrismaTicketStore(database);
  session = await keptSession(database);
});
afterAll(async () => {
  await Promise.all([database.close(), other.close()]);
  await fresh.drop();
});

const BEARER: Bearer = {
  person: { ...ROBIN, human: 'robin' },
  signIn: { acr: 'strong', amr: ['hwk'], authTime: 1 },
  channel: 'cli',
  address: '192.0.2.7',
};

async function add(over: object = {}, openMax = 1_000): Promise<TicketUse> {
  const use: TicketUse = { digest: ticketDigest(newTicket()), session, kind: 'terminal' };
  const expiresAt = await tickets.add({ ...use, bearer: BEARER, seconds: 30, ...over }, openMax);
  if (!expiresAt) throw new Error('not kept');
  return use;
}

describe('a ticket', () => {
  test('is taken once, with all that is known of its bearer', async () => {
    const use = await add();
    expect(await tickets.take(use)).toEqual(BEARER);
    expect(await tickets.take(use)).toBeUndefined();
  });

  test('is had by one of those who use it at the same moment, on whichever replica', async () => {
    const use = await add();
    const elsewhere = new PrismaTicketStore(other);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? tickets : elsewhere).take(use)),
    );
    expect(all.filter(Boolean)).toHaveLength(1);
  });

  test('of another session or kind is not taken, and stays', async () => {
    const use = await add();
    expect(await tickets.take({ ...use, kind: 'watch' })).toBeUndefined();
    const elsewhere = await keptSession(database);
    expect(await tickets.take({ ...use, session: elsewhere })).toBeUndefined();
    expect(await tickets.take(use)).toEqual(BEARER);
  });

  test('holds for its time by the clock of the database', async () => {
    const use: TicketUse = { digest: ticketDigest(newTicket()), session, kind: 'watch' };
    const now = async () => {
      const { rows } = await database.pool.query<{ now: Date }>('SELECT now()');
      return rows[0]?.now.getTime() ?? 0;
    };
    const before = await now();
    const expiresAt = await tickets.add({ ...use, bearer: BEARER, seconds: 30 }, 1_000);
    const madeAt = (expiresAt?.getTime() ?? 0) - 30_000;
    expect(madeAt).toBeGreaterThanOrEqual(before);
    // One reading is rounded, the other cut.
    expect(madeAt).toBeLessThanOrEqual((await now()) + 1);
  });

  test('that has expired is not taken, and is forgotten when the next one is made', async () => {
    const use = await add({ seconds: -1 });
    expect(await tickets.take(use)).toBeUndefined();
    await add();
    const { rows } = await database.pool.query('SELECT 1 FROM tickets WHERE expires_at < now()');
    expect(rows).toEqual([]);
  });

  test('is not kept beyond as many as an account may hold; others have their own', async () => {
    const bearer = { ...BEARER, person: ALEX };
    await add({ bearer }, 2);
    await add({ bearer, seconds: -1 }, 2);
    await add({ bearer }, 2);
    await expect(add({ bearer }, 2)).rejects.toThrow('not kept');
    await add({}, 1_000);
  });

  test('is made by many at once without a failure, while old ones are forgotten', async () => {
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, at) => add({ seconds: at % 2 === 0 ? -1 : 30 })),
    );
    expect(made).toHaveLength(40);
  });
});

test('the service cannot change a ticket, only make it and take it away', async () => {
  const service = new pg.Client({ connectionString: fresh.serviceUrl });
  await service.connect();
  await add();
  await expect(
    service.query(`UPDATE tickets SET expires_at = now() + interval '1 year'`),
  ).rejects.toThrow('permission denied');
  await expect(service.query('TRUNCATE tickets')).rejects.toThrow('permission denied');
  await service.end();
});
