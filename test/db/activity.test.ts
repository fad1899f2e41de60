import { afterAll, beforeAll, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaActivity } from '../../src/adapters/prisma/prisma-activity.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { firstStep } from '../../src/app/session-step.js';
import { isProblem } from '../../src/domain/problem.js';
import { newSessionId } from '../../src/domain/session/session.js';
import { actorOf, newSession, ROBIN } from '../support/sessions.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';

let fresh: TestDatabase;
let database: Database;
let store: PrismaSessionStore;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 2 }, () => undefined);
  store = new PrismaSessionStore(database);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

async function asked() {
  const written = await store.write(
    firstStep({
      session: newSession(),
      event: 'ask',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at: new Date(),
    }),
  );
  if (isProblem(written)) throw new Error(written.detail);
  return written;
}

test('the latest input into a session is kept, whichever replica tells it last', async () => {
  const activity = new PrismaActivity(database);
  const { id } = await asked();
  expect(await activity.lastInputAt(id)).toBeUndefined();
  const [early, late] = [new Date('2027-01-01T10:00:00Z'), new Date('2027-01-01T10:00:05Z')];
  for (const at of [early, late, early]) await activity.touch(id, at);
  expect(await activity.lastInputAt(id)).toEqual(late);
});

test('input into a session that is not there is a bug', async () => {
  await expect(new PrismaActivity(database).touch(newSessionId(), new Date())).rejects.toThrow();
});

test('the versions of many sessions are told at once, without those that are not there', async () => {
  const [one, two] = [await asked(), await asked()];
  const found = await store.versions([one.id, newSessionId(), two.id]);
  expect(found).toEqual(
    new Map([
      [one.id, 1],
      [two.id, 1],
    ]),
  );
  expect(await store.versions([])).toEqual(new Map());
});
