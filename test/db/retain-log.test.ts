import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PrismaAuditHolds } from '../../src/adapters/prisma/prisma-audit.holds.js';
import { PrismaAuditIndex } from '../../src/adapters/prisma/prisma-audit.index.js';
import { PrismaLogInspection } from '../../src/adapters/prisma/prisma-log.inspection.js';
import { PrismaLogRetention } from '../../src/adapters/prisma/prisma-log.retention.js';
import { exportLog } from '../../src/app/export-log.js';
import { HoldAudit } from '../../src/app/hold-audit.js';
import { IndexLog } from '../../src/app/index-log.js';
import { InspectLog } from '../../src/app/inspect-log.js';
import { ReadLog } from '../../src/app/read-log.js';
import { RetainLog } from '../../src/app/retain-log.js';
import type { Verification } from '../../src/app/verify-log.js';
import { verifyLog } from '../../src/app/verify-log.js';
import type { AuditFacts } from '../../src/domain/audit/entry.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { rangesOf } from '../../src/domain/audit/dropped.places.js';
import { isProblem } from '../../src/domain/problem.js';
import { MemoryWritableFiles } from '../support/log.files.js';
import { LogLab, ORIGIN } from '../support/log.lab.js';
import { ROBIN, SYSTEM, actorOf, newSession } from '../support/sessions.js';

const DAY_MS = 86_400_000;
const KEEP_DAYS = 400;
const clock = { now: () => new Date() };
const robin = { actor: actorOf(ROBIN), roles: ['auditor' as const] };

let lab: LogLab;
beforeEach(async () => {
  lab = await LogLab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** Events of so many days ago, with their places since then. */
async function written(count: number, daysAgo: number, over: Partial<AuditFacts> = {}) {
  await lab.write(count, { at: new Date(Date.now() - daysAgo * DAY_MS), ...over });
  await signed();
  const { places } = await lab.store.newest();
  await lab.asInsider(
    `UPDATE audit_leaves SET placed_at = now() - interval '${daysAgo} days' WHERE index >= ${places - count}`,
  );
}

async function signed(): Promise<void> {
  const sequencer = lab.replica();
  while ((await sequencer.once()) === 'more');
}

function retainer(over: Partial<ConstructorParameters<typeof RetainLog>[0]> = {}): RetainLog {
  return new RetainLog({
    retention: new PrismaLogRetention(lab.database),
    keepDays: KEEP_DAYS,
    sinks: [],
    anchors: [],
    isHeld: () => false,
    clock,
    journal: lab.journal,
    replica: 'replica-1',
    slice: 4,
    restMs: 0,
    ...over,
  });
}

const drop = (over = {}) => retainer(over).once(KEEP_DAYS);

/** The places without a body. */
async function gone(): Promise<number[]> {
  const { places } = await lab.store.newest();
  const entries = await lab.store.entries(0, places);
  return entries.filter(({ body }) => body.length === 0).map(({ index }) => index);
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

/** What an auditor finds who takes the log out. */
async function verified(
  before: (path: string) => Promise<void> = () => Promise.resolve(),
): Promise<Verification> {
  const signers = [lab.key];
  const log = new ReadLog({ store: lab.store, audit: lab.audit, clock, origin: ORIGIN, signers });
  const files = new MemoryWritableFiles();
  await exportLog({
    to: files,
    pauseMs: 20,
    source: async (path) => {
      await before(path);
      const read = path === 'checkpoint' ? await log.checkpoint() : await log.file(robin, path);
      return isProblem(read) ? undefined : Buffer.from(read);
    },
  });
  return verifyLog({ files, verifiers: [lab.key.verifier] });
}

/** What the inspection says. */
async function inspected(): Promise<string | undefined> {
  const { store, journal } = lab;
  const sequence = { parted: () => undefined, part: () => undefined };
  const inspection = new PrismaLogInspection(lab.database);
  const misfiled: number[] = [];
  const isFiled = () => true;
  const onMisfiled = ({ index }: { readonly index: number }) => misfiled.push(index);
  const common = { store, journal, inspection, sequence, isFiled, onMisfiled };
  const wrong = await new InspectLog({ ...common, roundMs: 0 }).once();
  return wrong ?? (misfiled.length > 0 ? `misfiled: ${misfiled.join(', ')}` : undefined);
}

const asService = (sql: string, values: unknown[] = []) => lab.database.pool.query(sql, values);

/** An event that tells of dropped bodies, as a broker that lies might write it, and the dropping. */
async function dropAs(
  told: { places: unknown; cutoff?: Date; count: number; at?: Date },
  action: 'audit.dropped' | 'session.note' = 'audit.dropped',
): Promise<void> {
  const { places, count, cutoff = new Date(Date.now() - 31 * DAY_MS), at = new Date() } = told;
  const entry = auditEntry({
    at,
    action,
    outcome: 'success',
    actor: SYSTEM,
    data: { places, count, cutoff: cutoff.toISOString() },
  });
  await lab.audit.append(entry);
  await asService('SELECT drop_audit_bodies($1)', [entry.id]);
}

const holding = (session = newSession()) =>
  new HoldAudit({
    holds: new PrismaAuditHolds(lab.database),
    store: { find: () => Promise.resolve(session) },
    clock,
  });

describe('bodies of audit events', () => {
  test('go after their time, with their hashes, proofs and the export as good as before', async () => {
    await written(10, KEEP_DAYS + 1);
    await written(5, KEEP_DAYS - 1);
    const before = await lab.store.entries(0, 15);
    expect(await drop()).toBe(10);
    expect(await gone()).toEqual(upTo(10));
    const after = await lab.store.entries(0, 15);
    expect(after.map(({ leafHash }) => leafHash)).toEqual(before.map(({ leafHash }) => leafHash));
    await signed();
    expect(await inspected()).toBeUndefined();
    expect(await verified()).toMatchObject({ dropped: 10, findings: [] });
    // Nothing more: those that tell of it stay as well.
    expect(await drop()).toBe(0);
  });

  test('are told of by an event for each slice, with each place', async () => {
    await written(6, KEEP_DAYS + 1);
    await drop();
    const { rows } = await asService(
      `SELECT convert_from(body, 'UTF8')::jsonb->'data' AS data FROM audit_events
       WHERE action = 'audit.dropped' ORDER BY at, convert_from(body, 'UTF8')::jsonb->'data'->'from'`,
    );
    expect(rows.map(({ data }: { data: unknown }) => data)).toMatchObject([
      { from: 0, to: 3, count: 4, places: [[0, 3]], keepDays: KEEP_DAYS },
      { from: 4, to: 5, count: 2, places: [[4, 5]], keepDays: KEEP_DAYS },
    ]);
  });

  test('are missed by nobody who inspects while the event of it has no place yet', async () => {
    await written(6, KEEP_DAYS + 1);
    await drop();
    expect(await inspected()).toBeUndefined();
  });

  test('are read as dropped, and found by when, what and in which session, not by whom', async () => {
    const session = newSession();
    await written(3, KEEP_DAYS + 1, { session });
    await drop();
    const [record] = await lab.audit.read({ sessionId: session.id, limit: 1 });
    expect(record).toMatchObject({ body: null, action: 'session.finish', sessionId: session.id });
    const index = new PrismaAuditIndex(lab.database);
    expect(await index.search({ session: session.id }, { limit: 9 })).toHaveLength(3);
    expect(await index.search({ person: ROBIN.sub }, { limit: 9 })).toEqual([]);
    expect(await index.search({ text: session.request.reason }, { limit: 9 })).toEqual([]);
  });

  test('that are gone make nothing findable again', async () => {
    await written(3, KEEP_DAYS + 1);
    await drop();
    const index = new PrismaAuditIndex(lab.database);
    const again = new IndexLog({ index, journal: lab.journal, restMs: 0 });
    again.start();
    await again.stop();
    expect(await index.search({ person: ROBIN.sub }, { limit: 9 })).toEqual([]);
  });

  test('stay for ever where nothing says otherwise', async () => {
    await written(3, 4_000);
    const keeps = retainer({ keepDays: undefined });
    keeps.start();
    await keeps.stop();
    expect(await gone()).toEqual([]);
  });

  test('stay until each sink and each anchor has had them', async () => {
    await written(9, KEEP_DAYS + 1);
    expect(await drop({ sinks: ['siem'] })).toBe(0);
    await asService(`INSERT INTO audit_sinks (name, next) VALUES ('siem', 5)`);
    await asService(`INSERT INTO audit_anchors (name, size) VALUES ('vault', 7)`);
    expect(await drop({ sinks: ['siem'], anchors: ['vault'] })).toBe(5);
    expect(await drop({ anchors: ['vault', 'new'] })).toBe(0);
    expect(await gone()).toEqual(upTo(5));
  });

  test('stay in a log that has parted, or whose anchors were not compared yet', async () => {
    await written(3, KEEP_DAYS + 1);
    expect(await drop({ isHeld: () => true })).toBe(0);
  });

  test.each([-30 * DAY_MS, -2 * 3_600_000, 2 * 3_600_000, 30 * DAY_MS])(
    'are told of by the clock of the database, whatever that of the replica says: %d ms',
    async (offMs) => {
      await written(10, 31);
      await written(5, 1);
      const off = { now: () => new Date(Date.now() + offMs) };
      expect(await retainer({ keepDays: 30, clock: off }).once(30)).toBe(10);
      await signed();
      expect(await inspected()).toBeUndefined();
      expect((await verified()).findings).toEqual([]);
    },
  );

  test('stay as long as their session has a recording', async () => {
    const session = newSession();
    await written(3, KEEP_DAYS + 1, { session });
    await lab.asInsider(
      'ALTER TABLE recordings DISABLE TRIGGER ALL',
      `INSERT INTO recordings (id, session_id, kind, way, person, mode, header, input, keep_seconds, replica, started_at, beat_at, ended_at)
       VALUES ('0123456789abcdef', '${session.id}', 'exec', 'exec', '{}', 'strict', '', false, 1, 'r', now(), now(), now())`,
    );
    expect(await drop()).toBe(0);
    await lab.asInsider('UPDATE recordings SET dropped_at = now()');
    expect(await drop()).toBe(3);
  });

  test('go once where two replicas are at it', async () => {
    await written(40, KEEP_DAYS + 1);
    const sums = await Promise.all(upTo(4).map((n) => drop({ replica: `replica-${n}` })));
    const rest = await drop();
    expect(sums.reduce((sum, it) => sum + it, rest)).toBe(40);
    await signed();
    expect(await inspected()).toBeUndefined();
  });

  test('that a replica was at when it died are left to the next, whole or gone with their event', async () => {
    await written(10, KEEP_DAYS + 1);
    const dying = new PrismaLogRetention(lab.database);
    const args = { count: 4, keepDays: KEEP_DAYS, sinks: [], anchors: [] };
    const tell = () => {
      throw new Error('killed');
    };
    await expect(dying.drop({ ...args, begin: 0, tell })).rejects.toThrow('killed');
    expect(await gone()).toEqual([]);
    const stops: RetainLog = retainer({ isHeld: () => stops.counts().dropped > 0 });
    expect(await stops.once(KEEP_DAYS)).toBe(4);
    expect(await drop()).toBe(6);
    await signed();
    expect(await inspected()).toBeUndefined();
  });
});

describe('a hold', () => {
  test('keeps its session, and is an event, as is its release', async () => {
    const session = newSession();
    await written(3, KEEP_DAYS + 1, { session });
    await written(2, KEEP_DAYS + 1);
    const hold = await holding(session).place(robin, { session: session.id, reason: 'a lawsuit' });
    if (isProblem(hold)) throw new Error(hold.detail);
    expect(await drop()).toBe(2);
    expect(await gone()).toEqual([3, 4]);
    const released = await holding(session).release(robin, hold.id, { reason: 'it is over' });
    expect(isProblem(released)).toBe(false);
    expect(await holding(session).release(robin, hold.id, { reason: 'again' })).toMatchObject({
      problem: 'not-found',
    });
    expect(await drop()).toBe(3);
    const records = await lab.audit.read({ sessionId: session.id, limit: 9 });
    const actions = records.map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['audit.held', 'audit.released']));
  });

  test('keeps its time, or all', async () => {
    for (const daysAgo of [500, 480, 460]) await written(2, daysAgo);
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS);
    const all = await holding().place(robin, { reason: 'all of it' });
    if (isProblem(all)) throw new Error(all.detail);
    expect(await drop()).toBe(0);
    await holding().place(robin, { from: ago(490), until: ago(470), reason: 'of those days' });
    await holding().release(robin, all.id, { reason: 'not all' });
    expect(await drop()).toBe(4);
    expect(await gone()).toEqual([0, 1, 4, 5]);
  });

  test('is never another than it was, for the service', async () => {
    const hold = await holding().place(robin, { reason: 'all of it' });
    if (isProblem(hold)) throw new Error(hold.detail);
    for (const sql of [
      `UPDATE audit_holds SET until_at = now()`,
      `DELETE FROM audit_holds`,
      `TRUNCATE audit_holds`,
    ])
      await expect(asService(sql), sql).rejects.toThrow('permission denied');
    await holding().release(robin, hold.id, { reason: 'it is over' });
    await expect(asService(`UPDATE audit_holds SET released_at = NULL`)).rejects.toThrow('refused');
  });

  test('is neither placed nor released by the service without the event of it', async () => {
    const hold = await holding().place(robin, { reason: 'all of it' });
    if (isProblem(hold)) throw new Error(hold.detail);
    const silently = `UPDATE audit_holds SET released_at = now()`;
    await expect(asService(silently)).rejects.toThrow('no event audit.released tells of');
    await signed();
    await expect(asService(silently)).rejects.toThrow('no event audit.released tells of');
    await expect(
      asService(
        `INSERT INTO audit_holds (id, reason, held_by, held_at) VALUES (gen_random_uuid(), 'x', '{}', now())`,
      ),
    ).rejects.toThrow('no event audit.held tells of');
    expect(await holding().standing()).toHaveLength(1);
  });
});

test('a hold that is placed while bodies go is waited for, and nothing of it goes', async () => {
  await written(3, KEEP_DAYS + 1);
  const holder = await lab.database.pool.connect();
  try {
    const id = randomUUID();
    const told = auditEntry({
      at: new Date(),
      action: 'audit.held',
      outcome: 'success',
      actor: actorOf(ROBIN),
      data: { hold: id },
    });
    await holder.query('BEGIN');
    await holder.query(
      `INSERT INTO audit_holds (id, reason, held_by, held_at) VALUES ($1, 'now', '{}', now())`,
      [id],
    );
    await holder.query(
      `INSERT INTO audit_events (id, at, action, body, leaf_hash) VALUES ($1, $2, $3, $4, $5)`,
      [told.id, told.at, told.action, told.body, told.leafHash],
    );
    const dropping = drop().catch((error: unknown) => String(error));
    const waits = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'audit_holds'::regclass`;
    await expect.poll(async () => (await asService(waits)).rowCount).toBe(1);
    await holder.query('COMMIT');
    expect(await dropping).toContain('may go');
  } finally {
    holder.release();
  }
  expect(await gone()).toEqual([]);
  expect(await drop()).toBe(0);
});

test('an export that is taken while bodies go has the event of it as well', async () => {
  await written(6, KEEP_DAYS + 1);
  let isDropped = false;
  const report = await verified(async (path) => {
    if (!path.startsWith('tile/entries') || isDropped) return;
    isDropped = true;
    await drop();
    // It has its place a moment later.
    setTimeout(() => void signed(), 20);
  });
  expect(report).toMatchObject({ dropped: 6, findings: [] });
});

describe('the service itself', () => {
  test('cannot take a body away, nor write an event without one', async () => {
    await written(1, KEEP_DAYS + 1);
    await expect(asService('UPDATE audit_events SET body = NULL')).rejects.toThrow(
      'permission denied',
    );
    await expect(asService('UPDATE audit_leaves SET placed_at = NULL')).rejects.toThrow(
      'permission denied',
    );
    await expect(
      asService(
        `INSERT INTO audit_events (id, at, action, leaf_hash) VALUES (gen_random_uuid(), now(), 'x', sha256(''))`,
      ),
    ).rejects.toThrow('refused');
  });

  test('cannot drop what is younger than thirty days, whatever it says', async () => {
    await written(2, 29);
    const now = new Date();
    await expect(dropAs({ places: [[0, 1]], count: 2, cutoff: now })).rejects.toThrow('may go');
    await expect(dropAs({ places: [[0, 1]], count: 2 })).rejects.toThrow('may go');
    // Nor with an event of another time: its place was given now.
    await lab.write(1, { at: new Date(0) });
    await signed();
    const { places } = await lab.store.newest();
    await expect(dropAs({ places: [[places - 1, places - 1]], count: 1 })).rejects.toThrow(
      'may go',
    );
    expect(await gone()).toEqual([]);
  });

  test('drops nothing of which it does not tell, nor more than it tells', async () => {
    await written(4, KEEP_DAYS + 1);
    const all = { places: [[0, 3]], count: 4 };
    await expect(dropAs(all, 'session.note')).rejects.toThrow('no event that was just written');
    await expect(dropAs({ ...all, count: 3 })).rejects.toThrow('may go');
    await expect(dropAs({ places: [[0, 9_000_000]], count: 4 })).rejects.toThrow('too many');
    await expect(dropAs({ places: [], count: 0 })).rejects.toThrow('no bodies');
    await expect(
      dropAs({
        places: [
          [0, 3],
          [9, 5],
        ],
        count: 0,
      }),
    ).rejects.toThrow('backwards');
    await expect(
      dropAs({
        places: [
          [0, 5],
          [20, 18],
        ],
        count: 4,
      }),
    ).rejects.toThrow('backwards');
    const late = new Date(Date.now() - 3 * 60_000);
    await expect(dropAs({ ...all, at: late })).rejects.toThrow('not of now');
    await dropAs(all);
    // What told of it once tells of it alone.
    await expect(dropAs(all)).rejects.toThrow('may go');
  });

  test('cannot drop what tells of dropped bodies', async () => {
    await written(1, KEEP_DAYS + 1);
    await drop();
    await signed();
    await lab.asInsider(
      `UPDATE audit_leaves SET placed_at = now() - interval '900 days'`,
      `UPDATE audit_events SET at = now() - interval '900 days' WHERE action = 'audit.dropped'`,
    );
    await expect(dropAs({ places: [[1, 1]], count: 1 })).rejects.toThrow('may go');
  });
});

test('an event that a trigger swallows is missed by whoever wrote it', async () => {
  await lab.asInsider(
    `CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
    'CREATE TRIGGER a_swallows BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION swallow()',
  );
  const actor = actorOf(ROBIN);
  const entry = auditEntry({ at: new Date(), action: 'session.note', outcome: 'success', actor });
  await expect(lab.audit.append(entry)).rejects.toThrow('did not take the event session.note');
});

test('whoever owns the tables is refused a body before its time as well', async () => {
  await written(1, 29);
  await written(1, 31);
  await expect(lab.asOwner(`UPDATE audit_events SET body = NULL`)).rejects.toThrow('refused');
  await expect(
    lab.asOwner(
      `UPDATE audit_events SET body = NULL, action = 'x' WHERE at < now() - interval '30 days'`,
    ),
  ).rejects.toThrow('refused');
});

test('whatever is old, held and young, exactly what is old and free goes, and all of it verifies', async () => {
  const days = fc.constantFrom(KEEP_DAYS + 2, KEEP_DAYS - 2);
  const events = fc.array(fc.record({ isHeld: fc.boolean(), daysAgo: days }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(events, fc.integer({ min: 1, max: 5 }), async (all, slice) => {
      await lab[Symbol.asyncDispose]();
      lab = await LogLab.start();
      const session = newSession();
      // In the order of their times, as they happen.
      const inOrder = [...all].sort((a, b) => b.daysAgo - a.daysAgo);
      for (const { isHeld, daysAgo } of inOrder)
        await written(1, daysAgo, isHeld ? { session } : {});
      await holding(session).place(robin, { session: session.id, reason: 'held' });
      await drop({ slice });
      const due = inOrder.flatMap(({ isHeld, daysAgo }, at) =>
        !isHeld && daysAgo > KEEP_DAYS ? [at] : [],
      );
      expect(rangesOf(await gone())).toEqual(rangesOf(due));
      await signed();
      expect(await inspected()).toBeUndefined();
      expect((await verified()).findings).toEqual([]);
    }),
    { numRuns: 8 },
  );
}, 60_000);
