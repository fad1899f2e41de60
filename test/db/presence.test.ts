import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import type { PresencePace } from '../../src/adapters/prisma/prisma-presence.js';
import { PrismaPresence } from '../../src/adapters/prisma/prisma-presence.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSessionNews } from '../../src/adapters/prisma/prisma-session.news.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { WatchScreen } from '../../src/app/watch-screen.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import type { EventAction } from '../../src/domain/audit/event.kinds.js';
import type { Person } from '../../src/domain/person.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { ROLE_GROUPS } from '../support/http.api.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import { MemoryLiveView } from '../support/in-memory.doors.js';
import { keptSession } from '../support/kept.session.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { ALEX, SAM, SYSTEM, actorOf } from '../support/sessions.js';

/** One replica of the broker, as far as presence goes. */
interface Replica {
  readonly database: Database;
  readonly presence: PrismaPresence;
  readonly heard: SessionId[];
  readonly silent: Person[];
  die(): Promise<void>;
}

/** Nobody falls silent, however long the machine has no time for a beat. */
const LIVELY: PresencePace = { beatSeconds: 0.1, silentSeconds: 600 };
/** Who looks with it takes for gone who was not said to be there for longer than a busy machine needs for a beat. */
const WATCHFUL: PresencePace = { beatSeconds: 0.1, silentSeconds: 2 };

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

async function replica(pace = LIVELY): Promise<Replica> {
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
    return Promise.resolve(entryOf('session.unwatched', { because: 'silent' }));
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
const entryOf = (action: EventAction, data: Record<string, unknown> = {}) =>
  auditEntry({ at: new Date(), action, outcome: 'success', actor: actorOf(ALEX), data });
const comes = (by: Replica, person: Person, id = session) =>
  by.presence.join({
    session: id,
    person,
    came: () => entryOf('session.watched'),
    left: () => entryOf('session.unwatched'),
  });
/** What is in the audit log of comings and goings, sorted. */
const written = async () =>
  (await new PrismaAuditLog(there.database).read({ limit: 50 }))
    .map(({ action }) => action)
    .filter((action) => action.endsWith('watched'))
    .toSorted();
const seen = async (by: Replica) =>
  (await by.presence.watching(session)).map(({ person }) => person.sub);

describe('who watches', () => {
  test('is seen on all replicas, in the order in which they came, until they leave', async () => {
    const alexLeaves = await comes(here, ALEX);
    const samLeaves = await comes(there, SAM);
    for (const each of [here, there]) expect(await seen(each)).toEqual(['alex', 'sam']);
    const [first] = await there.presence.watching(session);
    expect(first).toEqual({ id: expect.any(String), person: ALEX, since: expect.any(Date) });
    await alexLeaves();
    for (const each of [here, there]) expect(await seen(each)).toEqual(['sam']);
    await samLeaves();
    expect(await seen(here)).toEqual([]);
  });

  test('is told to all replicas at once, coming and going', async () => {
    const leave = await comes(here, ALEX);
    for (const each of [here, there]) await until(() => expect(each.heard).toEqual([session]));
    await leave();
    for (const each of [here, there])
      await until(() => expect(each.heard).toEqual([session, session]));
    await leave();
    expect(here.heard).toHaveLength(2);
  });

  test('watches that one session and no other', async () => {
    const other = await keptSession(here.database);
    await comes(here, ALEX, other);
    expect(await seen(there)).toEqual([]);
  });

  test('with two windows watches until both are closed', async () => {
    const [one, two] = [await comes(here, ALEX), await comes(here, ALEX)];
    await one();
    expect(await seen(there)).toEqual(['alex']);
    await two();
    expect(await seen(there)).toEqual([]);
  });

  test('stays for longer than a silence lasts, while their replica lives', async () => {
    const watchful = await replica(WATCHFUL);
    await comes(here, ALEX);
    const beats = async () => {
      const { rows } = await there.database.pool.query<{ seconds: number }>(
        'SELECT extract(epoch FROM seen_at - since)::float8 AS seconds FROM watchers',
      );
      return rows[0]?.seconds ?? 0;
    };
    await until(async () => expect(await beats()).toBeGreaterThan(1.5 * WATCHFUL.silentSeconds));
    expect(await seen(watchful)).toEqual(['alex']);
    expect(watchful.silent).toEqual([]);
  });

  test('is gone soon after the death of their replica, which is told and noted once', async () => {
    const [one, other] = [await replica(WATCHFUL), await replica(WATCHFUL)];
    await comes(here, ALEX);
    await until(() => expect(one.heard).toEqual([session]));
    await here.die();
    await until(async () => expect(await seen(one)).toEqual([]));
    await until(() => expect(one.heard.length).toBeGreaterThan(1));
    await until(async () =>
      expect(await written()).toEqual(['session.unwatched', 'session.watched']),
    );
    // Both looked, and one of them wrote it.
    await until(() => expect(one.silent.length + other.silent.length).toBeGreaterThan(0));
  });

  test('is seen again where they were taken for gone while the database was away', async () => {
    const leave = await comes(here, ALEX);
    // They may be back before anybody can look.
    const { rowCount } = await there.database.pool.query('DELETE FROM watchers');
    expect(rowCount).toBe(1);
    await until(async () => expect(await seen(there)).toEqual(['alex']));
    await until(() => expect(there.heard).toEqual([session, session]));
    await leave();
    expect(await seen(there)).toEqual([]);
    // Whoever takes somebody for gone writes so; and so it is written that they are here again.
    expect(await written()).toEqual(['session.unwatched', 'session.watched', 'session.watched']);
  });

  test('has left in the audit log also where they leave while it is said that they are here still', async () => {
    const leave = await comes(here, ALEX);
    await there.presence.stop();
    await asAdmin(fresh.ownerUrl, async (owner) => {
      const waiting = async () => {
        const { rows } = await there.database.pool.query<{ count: number }>(
          `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows[0]?.count;
      };
      // Both wait for somebody who takes them for gone: what is said next makes them anew, and who leaves finds nobody.
      await owner.query('BEGIN');
      await owner.query('DELETE FROM watchers');
      await until(async () => expect(await waiting()).toBe(1));
      const left = leave();
      await until(async () => expect(await waiting()).toBe(2));
      await owner.query('COMMIT');
      await left;
    });
    await until(async () => expect(await seen(there)).toEqual([]));
    await until(async () =>
      expect(await written()).toEqual(['session.unwatched', 'session.watched', 'session.watched']),
    );
  });

  test('neither comes nor goes without its event in the audit log', async () => {
    const leave = await comes(here, SAM);
    await asAdmin(fresh.ownerUrl, (owner) =>
      owner.query('REVOKE INSERT ON audit_events FROM hallpass_service'),
    );
    await expect(comes(here, ALEX)).rejects.toThrow(/permission denied/);
    await leave();
    const { rows } = await there.database.pool.query<{ sub: string }>(
      "SELECT person ->> 'sub' AS sub FROM watchers",
    );
    expect(rows).toEqual([{ sub: 'sam' }]);
    expect(await written()).toEqual(['session.watched']);
    await asAdmin(fresh.ownerUrl, (owner) =>
      owner.query('GRANT INSERT ON audit_events TO hallpass_service'),
    );
    // They are here no more: their silence is written.
    const watchful = await replica(WATCHFUL);
    await until(async () => expect(await seen(watchful)).toEqual([]));
    await until(async () =>
      expect(await written()).toEqual(['session.unwatched', 'session.watched']),
    );
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
    roleGroups: ROLE_GROUPS,
    clock,
    journal: new MemoryJournal(),
  });
  await log.append(await screen.silent(session, ALEX, SYSTEM));
  const [entry] = await log.read({ action: 'session.unwatched', limit: 2 });
  expect(entry).toMatchObject({
    sessionId: session,
    body: {
      actor: { kind: 'system' },
      data: { watcher: { iss: ALEX.iss, sub: 'alex' }, because: 'silent' },
    },
  });
});
