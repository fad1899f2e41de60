import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { Prisma } from '../../src/adapters/prisma/generated/client.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaSessionNews } from '../../src/adapters/prisma/prisma-session.news.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import type { DecisionRecord, Room, Step } from '../../src/app/ports/session.store.js';
import type { Changes } from '../../src/app/session-step.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import { isProblem } from '../../src/domain/problem.js';
import { END_REASONS, STATES, TRANSITIONS } from '../../src/domain/session/session.machine.js';
import type { Session, SessionId } from '../../src/domain/session/session.js';
import { putInForce } from '../support/policy.archives.js';
import { freshDatabase } from '../support/postgres.js';
import { requirement, setOf } from '../support/policies.js';
import {
  PROFILE,
  ALEX,
  ROBIN,
  SAM,
  SYSTEM,
  actorOf,
  grantOf,
  newSession,
} from '../support/sessions.js';

const set = setOf([]);
let database: Database;
let store: PrismaSessionStore;
let owner: pg.Client;
let service: pg.Client;
let serviceUrl: string;
let adminUrl: string;
let drop: () => Promise<void>;

beforeAll(async () => {
  const fresh = await freshDatabase();
  drop = fresh.drop;
  ({ serviceUrl, adminUrl } = fresh);
  database = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
  store = new PrismaSessionStore(database);
  owner = new pg.Client({ connectionString: fresh.ownerUrl });
  service = new pg.Client({ connectionString: fresh.serviceUrl });
  await owner.connect();
  await service.connect();
  await putInForce(new PrismaPolicyArchive(database), set);
});

afterAll(async () => {
  await owner.end();
  await service.end();
  await database.close();
  await drop();
});

function policyWord(verdict: 'grant' | 'hold'): DecisionRecord {
  return {
    id: randomUUID(),
    by: 'policy',
    verdict,
    person: null,
    comment: null,
    rule: 'oncall',
    policyHash: set.hash,
    explanation: ['because'],
    seenVersion: null,
    facts: null,
    at: new Date(),
  };
}

function asked(over: Partial<Session> = {}, key?: string): Step {
  const at = new Date();
  return firstStep({
    session: newSession({ grant: grantOf(set.hash), ...over }),
    event: over.state === 'pending' ? 'ask' : 'grant',
    capacities: ['requester'],
    actor: actorOf(ROBIN),
    at,
    decision: policyWord(over.state === 'pending' ? 'hold' : 'grant'),
    ...(key === undefined
      ? {}
      : { idempotency: { iss: ROBIN.iss, sub: ROBIN.sub, key, requestHash: 'a'.repeat(64) } }),
  });
}

async function written(step: Step): Promise<Session> {
  const result = await store.write(step);
  if (isProblem(result)) throw new Error(result.detail, { cause: result.cause });
  return result;
}

function start(session: Session): Step {
  const at = new Date();
  return stepOf({
    session,
    event: 'start',
    capacities: ['system'],
    actor: SYSTEM,
    at,
    changes: {
      startingAt: at,
      container: {
        name: `hallpass-${session.id}`,
        image: PROFILE.image,
        startBy: new Date(at.getTime() + 60_000),
      },
    },
  });
}

function system(session: Session, event: 'run' | 'expire', changes: Changes): Step {
  return stepOf({ session, event, capacities: ['system'], actor: SYSTEM, at: new Date(), changes });
}

describe('the write door', () => {
  it('gives back what was written, as it was written', async () => {
    const session = await written(asked());
    expect(await store.find(session.id)).toEqual(session);
    const starting = await written(start(session));
    expect(await store.find(session.id)).toEqual(starting);
    expect(starting.container?.startBy).toBeInstanceOf(Date);
  });

  it('writes event, decision, audit entry and outbox entry with each step, and the audit entry hashes its own body', async () => {
    const step = asked();
    const session = await written(step);
    const { rows } = await owner.query(
      `SELECT (SELECT count(*) FROM session_events WHERE session_id = $1)::int AS events,
              (SELECT count(*) FROM decisions WHERE session_id = $1)::int AS decisions,
              (SELECT count(*) FROM outbox WHERE session_id = $1)::int AS news`,
      [session.id],
    );
    expect(rows[0]).toEqual({ events: 1, decisions: 1, news: 1 });
    const [record] = await new PrismaAuditLog(database).read({ sessionId: session.id, limit: 10 });
    expect(record).toMatchObject({ id: step.audit.id, action: 'session.grant' });
    expect(record?.body).toMatchObject({
      session: session.id,
      outcome: 'success',
      reason: 'the pool is exhausted',
    });
    expect(record?.leafHash).toEqual(step.audit.leafHash);
  });

  it('lets exactly one of many writers of the same step win, and leaves one trail', async () => {
    const session = await written(asked());
    const results = await Promise.all(
      Array.from({ length: 20 }, () => store.write(start(session))),
    );
    expect(results.filter((result) => !isProblem(result))).toHaveLength(1);
    expect(
      results.filter((result) => isProblem(result) && result.problem === 'write-conflict'),
    ).toHaveLength(19);
    expect(await store.steps(session.id, 0)).toHaveLength(2);
    expect(
      await new PrismaAuditLog(database).read({ sessionId: session.id, limit: 10 }),
    ).toHaveLength(2);
  });

  it('writes what only the holder of a claim may write while the claim holds, and not a moment longer', async () => {
    const session = await written(asked());
    const step = { ...start(session), heldBy: 'a' };
    const holds = (replica: string, until: string) =>
      owner.query(
        `UPDATE sessions SET lease_owner = $2, lease_until = now() + $3::interval WHERE id = $1`,
        [session.id, replica, until],
      );
    expect(await store.write(step)).toMatchObject({ problem: 'write-conflict' });
    await holds('b', '1 minute');
    expect(await store.write(step)).toMatchObject({ problem: 'write-conflict' });
    await holds('a', '-1 millisecond');
    expect(await store.write(step)).toMatchObject({ problem: 'write-conflict' });
    await holds('a', '1 minute');
    expect(await store.write(step)).toMatchObject({ state: 'starting' });
  });

  it('throws what the database says unforeseen as it is', async () => {
    const session = await written(asked());
    const said = new Prisma.PrismaClientKnownRequestError('odd', {
      code: 'P2010',
      clientVersion: '7',
    });
    vi.spyOn(database.prisma, '$queryRaw').mockReturnValueOnce(Promise.reject(said) as never);
    await expect(store.write(start(session))).rejects.toBe(said);
  });

  it('keeps one consent of a person on what they saw, however many are sent at once', async () => {
    const session = await written(
      asked({
        state: 'pending',
        grant: grantOf(set.hash, requirement(2, 'payments-leads')),
      }),
    );
    const consent = (from: Session) =>
      stepOf({
        session: from,
        event: 'consent',
        capacities: ['approver'],
        actor: actorOf(ALEX),
        at: new Date(),
        decision: {
          ...policyWord('hold'),
          by: 'person',
          verdict: 'approve',
          person: ALEX,
          seenVersion: from.version,
        },
      });
    const results = await Promise.all(
      Array.from({ length: 5 }, () => store.write(consent(session))),
    );
    expect(results.filter(isProblem)).toHaveLength(4);
    expect((await store.find(session.id))?.version).toBe(2);
    // Nor does the database take a second one, should the program ever write it.
    await expect(
      service.query(
        `INSERT INTO decisions SELECT r.* FROM decisions d, jsonb_populate_record(d, $2::jsonb) r
         WHERE d.session_id = $1 AND d.verdict = 'approve'`,
        [session.id, JSON.stringify({ id: randomUUID() })],
      ),
    ).rejects.toThrow('decisions_one_consent');
  });

  it('finds a session by the key that it was asked with, and refuses the key a second session', async () => {
    const key = randomUUID();
    const session = await written(asked({}, key));
    expect(await store.write(asked({}, key))).toMatchObject({ problem: 'write-conflict' });
    const found = await store.findByKey({ iss: ROBIN.iss, sub: ROBIN.sub, key });
    expect(found?.session.id).toBe(session.id);
    expect(await store.findByKey({ iss: ALEX.iss, sub: ALEX.sub, key })).toBeUndefined();
  });

  it('tells the replica that wrote a step at once, and once', async () => {
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const [own, other] = [0, 1].map(() => new PrismaSessionNews(serviceUrl, quiet));
    if (!own || !other) throw new Error('two were made');
    await Promise.all([own.open(), other.open()]);
    const heard: string[] = [];
    own.subscribe((id, version) => heard.push(`own ${id} ${version}`));
    const first = new PrismaSessionStore(database, ({ session }) =>
      own.written(session.id, session.version),
    );
    const step = asked();
    const told = new Promise((resolve) => other.subscribe((id) => resolve(id)));
    await first.write(step);
    expect(heard).toEqual([`own ${step.session.id} 1`]);
    // By now the echo of the database has been here too, or comes before what is written next.
    expect(await told).toBe(step.session.id);
    const next = await written(asked());
    await expect.poll(() => heard.at(-1)).toBe(`own ${next.id} 1`);
    expect(heard).toHaveLength(2);
    await Promise.all([own.close(), other.close()]);
  });

  it('tells the news of each step', async () => {
    const news = new PrismaSessionNews(serviceUrl, {
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    });
    await news.open();
    const heard = new Promise((resolve) =>
      news.subscribe((id, version) => resolve({ id, version })),
    );
    const session = await written(asked());
    expect(await heard).toEqual({ id: session.id, version: 1 });
    await news.close();
  });
});

describe('the database itself', () => {
  it('holds the same table as the session machine', async () => {
    const { rows } = await owner.query(
      'SELECT from_state AS "from", event, to_state AS "to" FROM transitions',
    );
    const ours = TRANSITIONS.map(({ from, event, to }) => ({ from, event, to }));
    const sorted = (list: { from: string; event: string; to: string }[]) =>
      list.map((row) => JSON.stringify([row.from, row.event, row.to])).sort();
    expect(sorted(rows)).toEqual(sorted(ours));
    const names = async (table: string) =>
      (await owner.query(`SELECT name FROM ${table}`)).rows
        .map((row: { name: string }) => row.name)
        .sort();
    expect(await names('session_states')).toEqual([...STATES].sort());
    expect(await names('end_reasons')).toEqual([...END_REASONS].sort());
  });

  it('refuses a step that the machine does not have, whoever writes it', async () => {
    const session = await written(asked());
    await expect(
      owner.query(
        `INSERT INTO session_events (session_id, seq, prev_seq, from_state, event, to_state, at, actor, data)
         VALUES ($1, 2, 1, 'approved', 'run', 'active', now(), '{}', '{}')`,
        [session.id],
      ),
    ).rejects.toThrow(/session_events_from_state_event_to_state_fkey/);
  });

  it('refuses a step that does not begin where the one before it ended', async () => {
    const session = await written(asked());
    await expect(
      owner.query(
        `INSERT INTO session_events (session_id, seq, prev_seq, from_state, event, to_state, at, actor, data)
         VALUES ($1, 2, 1, 'starting', 'run', 'active', now(), '{}', '{}')`,
        [session.id],
      ),
    ).rejects.toThrow(/session_events_session_id_prev_seq_from_state_fkey/);
  });

  it("refuses to set a session's state without a step that leads there", async () => {
    const session = await written(asked());
    await expect(
      owner.query(`UPDATE sessions SET state = 'denied', due_at = NULL WHERE id = $1`, [
        session.id,
      ]),
    ).rejects.toThrow(/sessions_id_version_state_fkey/);
  });

  it.each(['audit_events', 'session_events', 'decisions', 'policy_sets', 'transitions'])(
    'refuses UPDATE, DELETE and TRUNCATE of %s to the service, the owner and a superuser who has switched triggers off',
    async (table) => {
      await written(asked());
      for (const statement of [
        `UPDATE ${table} SET ${table === 'transitions' ? 'event = event' : firstColumn(table)}`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]) {
        await expect(service.query(statement)).rejects.toThrow(/permission denied/);
        await expect(owner.query(statement)).rejects.toThrow(
          /is refused: what is written there stays/,
        );
        await asAdmin(adminUrl, async (superuser) => {
          await superuser.query('SET session_replication_role = replica');
          await expect(superuser.query(statement)).rejects.toThrow(
            /is refused: what is written there stays/,
          );
        });
      }
    },
  );

  it('gives the service no right to delete sessions or to change the machine', async () => {
    await expect(service.query('DELETE FROM sessions')).rejects.toThrow(/permission denied/);
    await expect(
      service.query(`INSERT INTO transitions VALUES ('denied', 'x', 'active')`),
    ).rejects.toThrow(/permission denied/);
    await expect(service.query('CREATE TABLE x ()')).rejects.toThrow(/permission denied/);
  });
});

function firstColumn(table: string): string {
  return table === 'policy_sets' ? 'created_at = now()' : 'at = now()';
}

describe('lists', () => {
  it('show a person their own sessions and those that their groups may decide, newest first, page by page', async () => {
    const mine = [];
    for (let n = 0; n < 5; n++) {
      mine.push(
        await written(
          asked({ requester: { ...SAM, sub: 'pager' }, createdAt: new Date(Date.now() + n) }),
        ),
      );
    }
    const other = await written(asked({ requester: { ...SAM, sub: 'somebody' } }));
    const decided = await written(
      asked({
        requester: { ...SAM, sub: 'somebody' },
        state: 'pending',
        createdAt: new Date(Date.now() + 100),
        grant: grantOf(set.hash, requirement(1, 'night-leads')),
      }),
    );
    const person = { ...SAM, sub: 'pager', groups: ['night-leads'] };
    const visibility = { kind: 'own', person } as const;
    const first = await store.list({ visibility, filter: {}, limit: 4 });
    const last = first.at(-1);
    if (!last) throw new Error('an empty page');
    const second = await store.list({ visibility, filter: {}, limit: 4, after: last });
    const ids = [...first, ...second].map(({ id }) => id);
    expect(ids).toEqual([decided.id, ...mine.map(({ id }) => id).reverse()]);
    expect(ids).not.toContain(other.id);
  });
});

/** So many lanes in each cluster, of which some are taken by what ends nothing. */
function room(lanes: number, taken: [string, number][] = []): Room {
  const held = taken.map(([cluster, sessions]) => ({ cluster, isEnd: false, sessions }));
  return { lanes, taken: held };
}

async function claimed(owner: string, room: Room): Promise<Session[]> {
  const found = await store.claim({ owner, seconds: 60 }, room);
  return found.map(({ session }) => session);
}

describe('claims', () => {
  it('are given to one replica each, are lost when they run out, and are given back', async () => {
    await owner.query('UPDATE sessions SET due_at = NULL');
    const sessions = await Promise.all(Array.from({ length: 12 }, () => written(asked())));
    const claims = await Promise.all(['a', 'b', 'c'].map((owner) => claimed(owner, room(10))));
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const rest = await claimed('d', room(100));
    expect([...ids, ...rest.map(({ id }) => id)].sort()).toEqual(
      sessions.map(({ id }) => id).sort(),
    );

    const [one] = [...rest, ...claims.flat()];
    if (!one) throw new Error('nothing was claimed');
    await owner.query(`UPDATE sessions SET lease_until = now() - interval '1 s' WHERE id = $1`, [
      one.id,
    ]);
    const taken = await claimed('e', room(100));
    expect(taken.map(({ id }) => id)).toEqual([one.id]);
    expect(await store.renew(one.id, { owner: 'd', seconds: 60 })).toBeUndefined();
    expect((await store.renew(one.id, { owner: 'e', seconds: 60 }))?.id).toBe(one.id);

    const later = new Date(Date.now() + 60_000);
    await store.release({ id: one.id, owner: 'e', dueAt: later, version: one.version });
    expect(await claimed('f', room(100))).toEqual([]);
  });

  it('of one cluster leave those of the others their room, however many of it are due', async () => {
    await owner.query('UPDATE sessions SET due_at = NULL');
    const of = (cluster: string) => {
      const step = asked();
      const { request } = step.session;
      return written({ ...step, session: { ...step.session, request: { ...request, cluster } } });
    };
    for (let turn = 0; turn < 5; turn++) await of('slow');
    const quick = await of('quick');
    const clustersOf = (sessions: readonly Session[]) =>
      sessions.map(({ request }) => request.cluster).sort();
    const first = await claimed('a', room(3));
    expect(clustersOf(first)).toEqual(['quick', 'slow', 'slow', 'slow']);
    expect(await claimed('a', room(3, [['slow', 3]]))).toEqual([]);
    expect(await store.nextDueInMs()).toBeLessThanOrEqual(0);
    expect(await store.nextDueInMs(room(3, [['slow', 3]]))).toBeGreaterThan(10_000);
    expect(clustersOf(await claimed('a', room(3, [['slow', 2]])))).toEqual(['slow']);
    const again = { id: quick.id, owner: 'a', dueAt: new Date(), version: quick.version };
    await store.release(again);
    const claimedAgain = async () =>
      (await claimed('a', room(3, [['slow', 3]]))).map(({ id }) => id);
    await expect.poll(claimedAgain).toEqual([quick.id]);
  });

  describe('of sessions that run', () => {
    const cluster = 'ends';
    let running: readonly SessionId[];
    beforeAll(async () => {
      await owner.query('UPDATE sessions SET due_at = NULL');
      running = await Promise.all(Array.from({ length: 6 }, runs));
    });

    async function runs(): Promise<SessionId> {
      const step = asked();
      const request = { ...step.session.request, cluster };
      const starting = await written(
        start(await written({ ...step, session: { ...step.session, request } })),
      );
      const at = new Date();
      const { id } = await written(system(starting, 'run', { startedAt: at, deadlineAt: at }));
      return id;
    }

    /** All are free and due; the time of each is up where this says so, and comes in 20 seconds where not. */
    async function given(isOver: readonly boolean[]): Promise<void> {
      await owner.query(
        `UPDATE sessions SET lease_until = NULL, due_at = now() - interval '1 s',
           deadline_at = now() + CASE WHEN is_over THEN interval '-1 s' ELSE interval '20 s' END
         FROM unnest($1::text[], $2::boolean[]) AS given (given_id, is_over) WHERE id = given_id`,
        [running, isOver],
      );
    }

    const taking = (lanes: number, taken: { ends: number; others: number }): Room => ({
      lanes,
      taken: [
        { cluster, isEnd: true, sessions: taken.ends },
        { cluster, isEnd: false, sessions: taken.others },
      ],
    });

    it('take neither from ends for anything else nor from anything else for ends, however many of either are held', async () => {
      const few = fc.integer({ min: 0, max: 4 });
      const cases = fc.record({
        isOver: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        lanes: fc.integer({ min: 1, max: 4 }),
        taken: fc.record({ ends: few, others: few }),
      });
      const promise = fc.asyncProperty(cases, async ({ isOver, lanes, taken }) => {
        await given(isOver);
        const found = await store.claim({ owner: 'a', seconds: 60 }, taking(lanes, taken));
        const over = new Set(running.filter((_, at) => isOver[at]));
        for (const { session, isEnd } of found) expect(isEnd).toBe(over.has(session.id));
        const ends = found.filter(({ isEnd }) => isEnd).length;
        const free = (held: number) => Math.max(lanes - held, 0);
        expect(ends).toBe(Math.min(free(taken.ends), over.size));
        expect(found.length - ends).toBe(Math.min(free(taken.others), running.length - over.size));
      });
      await fc.assert(promise, { numRuns: 60 });
    });

    it('are waited for where there is room, and else until the time of one is up', async () => {
      await given(running.map(() => false));
      expect(await store.nextDueInMs(taking(2, { ends: 2, others: 1 }))).toBeLessThanOrEqual(0);
      const inMs = await store.nextDueInMs(taking(2, { ends: 1, others: 2 }));
      expect(inMs).toBeGreaterThan(10_000);
      expect(inMs).toBeLessThanOrEqual(20_000);
      expect(await store.nextDueInMs(taking(2, { ends: 2, others: 2 }))).toBeNull();

      await given(running.map(() => true));
      expect(await store.nextDueInMs(taking(2, { ends: 1, others: 2 }))).toBeLessThanOrEqual(0);
      expect(await store.nextDueInMs(taking(2, { ends: 2, others: 1 }))).toBeNull();
    });
  });

  it('given back for a version that is old leave the session due at once', async () => {
    await owner.query('UPDATE sessions SET due_at = NULL');
    const session = await written(asked());
    expect((await claimed('a', room(1))).map(({ id }) => id)).toEqual([session.id]);
    await written(start(session));
    await store.release({
      id: session.id,
      owner: 'a',
      dueAt: new Date(Date.now() + 60_000),
      version: session.version,
    });
    expect((await claimed('b', room(10))).map(({ id }) => id)).toEqual([session.id]);
  });
});
