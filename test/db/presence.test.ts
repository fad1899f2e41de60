import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import type { PresencePace } from '../../src/adapters/prisma/prisma-presence.js';
import { PrismaPresence } from '../../src/adapters/prisma/prisma-presence.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSessionNews } from '../../src/adapters/prisma/prisma-session.news.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { WatchScreen } from '../../src/app/watch-screen.js';
import type { Person } from '../../src/domain/person.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { ROLE_GROUPS } from '../support/http.api.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import { MemoryLiveView } from '../support/in-memory.doors.js';
import { keptSession } from '../support/kept.session.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { ALEX, SAM, SYSTEM } from '../support/sessions.js';

/** One replica of the broker, as far as presence goes. */
interface Replica {
  readonly database: Database;
  readonly presence: PrismaPresence;
  readonly heard: SessionId[];
  readonly silent: Person[];
  die(): Promise<void>;
}

const QUICK: PresencePace = { beatSeconds: 0.1, silentSeconds: 0.6 };

let fresh: TestDatabase;
let replicas: Replica[] = [];
let here: Replica;
let there: Replica;
let session: SessionId;
beforeEach(async () => {
  fresh = await freshDatabase();
  [here, there] = [await replica(), await replica()];
  session = await keptSession(here.database);
});
afterEach(async () => {
  await Promise.all(replicas.map((each) => each.die()));
  replicas = [];
  await fresh.drop();
});

async function replica(pace = QUICK): Promise<Replica> {
  const database = new Database({ url: fresh.serviceUrl, poolSize: 4 }, () => undefined);
  const journal = new MemoryJournal();
  const news = new PrismaSessionNews(fresh.serviceUrl, journal);
  await news.open();
  const presence = new PrismaPresence(
    database,
    (heard) => news.subscribePresence(heard),
    journal,
    pace,
  );
  const heard: SessionId[] = [];
  const silent: Person[] = [];
  presence.subscribe((id) => heard.push(id));
  presence.start((_, person) => {
    silent.push(person);
    return Promise.resolve();
  });
  let dead: Promise<void> | undefined;
  const die = () =>
    (dead ??= (async () => {
      await presence.stop();
      await news.close();
      await database.close();
    })());
  const made = { database, presence, heard, silent, die };
  replicas.push(made);
  return made;
}

const until = (holds: () => void | Promise<void>) =>
  vi.waitFor(holds, { timeout: 8_000, interval: 10 });
const seen = async (by: Replica) =>
  (await by.presence.watching(session)).map(({ person }) => person.sub);

describe('who watches', () => {
  test('is seen on all replicas, in the order in which they came, until they leave', async () => {
    const alexLeaves = await here.presence.join(session, ALEX);
    const samLeaves = await there.presence.join(session, SAM);
    for (const each of [here, there]) expect(await seen(each)).toEqual(['alex', 'sam']);
    const [first] = await there.presence.watching(session);
    expect(first).toEqual({ id: expect.any(String), person: ALEX, since: expect.any(Date) });
    await alexLeaves();
    for (const each of [here, there]) expect(await seen(each)).toEqual(['sam']);
    await samLeaves();
    expect(await seen(here)).toEqual([]);
  });

  test('is told to all replicas at once, coming and going', async () => {
    const leave = await here.presence.join(session, ALEX);
    for (const each of [here, there]) await until(() => expect(each.heard).toEqual([session]));
    await leave();
    for (const each of [here, there])
      await until(() => expect(each.heard).toEqual([session, session]));
    await leave();
    expect(here.heard).toHaveLength(2);
  });

  test('watches that one session and no other', async () => {
    const other = await keptSession(here.database);
    await here.presence.join(other, ALEX);
    expect(await seen(there)).toEqual([]);
  });

  test('with two windows watches until both are closed', async () => {
    const [one, two] = [
      await here.presence.join(session, ALEX),
      await here.presence.join(session, ALEX),
    ];
    await one();
    expect(await seen(there)).toEqual(['alex']);
    await two();
    expect(await seen(there)).toEqual([]);
  });

  test('stays for longer than a silence lasts, while their replica lives', async () => {
    await here.presence.join(session, ALEX);
    const beats = async () => {
      const { rows } = await there.database.pool.query<{ seconds: number }>(
        'SELECT extract(epoch FROM seen_at - since)::float8 AS seconds FROM watchers',
      );
      return rows[0]?.seconds ?? 0;
    };
    await until(async () => expect(await beats()).toBeGreaterThan(2 * QUICK.silentSeconds));
    expect(await seen(there)).toEqual(['alex']);
    expect(there.silent).toEqual([]);
  });

  test('is gone soon after the death of their replica, which is told and noted once', async () => {
    const third = await replica();
    await here.presence.join(session, ALEX);
    await until(() => expect(there.heard).toEqual([session]));
    await here.die();
    await until(async () => expect(await seen(there)).toEqual([]));
    await until(() => expect(there.heard.length).toBeGreaterThan(1));
    await until(() => expect([...there.silent, ...third.silent]).toEqual([ALEX]));
  });

  test('is seen again where they were taken for gone while the database was away', async () => {
    const leave = await here.presence.join(session, ALEX);
    // They may be back before anybody can look.
    const { rowCount } = await there.database.pool.query('DELETE FROM watchers');
    expect(rowCount).toBe(1);
    await until(async () => expect(await seen(there)).toEqual(['alex']));
    await until(() => expect(there.heard).toEqual([session, session]));
    await leave();
    expect(await seen(there)).toEqual([]);
  });
});

test('who fell silent is in the audit log as having left, by the broker’s own word', async () => {
  const log = new PrismaAuditLog(here.database);
  const clock = new HandClock();
  const screen = new WatchScreen({
    store: new PrismaSessionStore(here.database),
    news: new PrismaSessionNews(fresh.serviceUrl, new MemoryJournal()),
    people: new PrismaPeople(here.database),
    presence: here.presence,
    live: new MemoryLiveView(),
    log,
    roleGroups: ROLE_GROUPS,
    clock,
    journal: new MemoryJournal(),
  });
  await screen.silent(session, ALEX, SYSTEM);
  const [entry] = await log.read({ action: 'session.unwatched', limit: 2 });
  expect(entry).toMatchObject({
    sessionId: session,
    body: {
      actor: { kind: 'system' },
      data: { watcher: { iss: ALEX.iss, sub: 'alex' }, because: 'silent' },
    },
  });
});
