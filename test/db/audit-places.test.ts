import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { foundIn, partsOf } from '../../src/adapters/prisma/audit-search.sql.js';
import { PrismaAuditIndex } from '../../src/adapters/prisma/prisma-audit.index.js';
import { PrismaLogInspection } from '../../src/adapters/prisma/prisma-log.inspection.js';
import { InspectLog } from '../../src/app/inspect-log.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { LogLab } from '../support/log.lab.js';
import { ROBIN, actorOf } from '../support/sessions.js';

const START = Date.parse('2026-03-01T00:00:00Z');
const MINUTE_MS = 60_000;
/** More than two blocks of places. */
const COUNT = 8_300;
/** Of which one was written by a clock that was an hour behind the first. */
const BEHIND = 8_250;

const timeAt = (place: number) => new Date(START + place * MINUTE_MS);

let lab: LogLab;
beforeAll(async () => {
  lab = await LogLab.start();
  const entries = Array.from({ length: COUNT }, (_, place) =>
    auditEntry({
      at: timeAt(place === BEHIND ? -60 : place),
      action: place % 1_000 === 7 ? 'session.deny' : 'session.finish',
      outcome: 'success',
      actor: actorOf(ROBIN),
      data: { text: place % 2_000 === 7 ? 'often seldom' : 'often' },
    }),
  );
  await lab.database.pool.query(
    `INSERT INTO audit_events (id, at, action, body, leaf_hash)
     SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bytea[], $5::bytea[])`,
    [
      entries.map(({ id }) => id),
      entries.map(({ at }) => at),
      entries.map(({ action }) => action),
      entries.map(({ body }) => body),
      entries.map(({ leafHash }) => leafHash),
    ],
  );
  const sequence = lab.replica();
  while ((await sequence.once()) === 'more');
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('events of some time', () => {
  test.each([
    ['in the middle', timeAt(5_000), timeAt(5_003), [5_002, 5_001, 5_000]],
    ['before all others, in a late place', undefined, timeAt(0), [BEHIND]],
    ['from the first on', timeAt(-60), timeAt(1), [BEHIND, 0]],
    ['of the newest', timeAt(COUNT - 2), undefined, [COUNT - 1, COUNT - 2]],
    ['when there was nothing', timeAt(COUNT + 5), undefined, []],
  ])('are found: %s', async (_, from, until, places) => {
    const index = new PrismaAuditIndex(lab.database);
    const filter = { ...(from && { from }), ...(until && { until }) };
    const found = await index.search(filter, { limit: 10 });
    expect(found.map((it) => it.index)).toEqual(places);
  });
});

describe('the times of places', () => {
  const NARROW = `UPDATE audit_fact_spans SET first_at = '2026-03-02', last_at = '2026-03-02'`;
  const refused = /permission denied/;
  test.each([
    NARROW,
    `INSERT INTO audit_fact_spans VALUES (99, now(), now())`,
    'DELETE FROM audit_fact_spans',
    'TRUNCATE audit_fact_spans',
  ])('are nothing that the service may write: %s', async (sql) => {
    await expect(lab.database.pool.query(sql)).rejects.toThrow(refused);
  });

  test.each([
    NARROW,
    `UPDATE audit_fact_spans SET first_at = first_at + interval '1 ms'`,
    `UPDATE audit_fact_spans SET last_at = last_at - interval '1 ms'`,
    'UPDATE audit_fact_spans SET block = block + 100',
    'DELETE FROM audit_fact_spans',
    'TRUNCATE audit_fact_spans',
    `SET session_replication_role = replica; ${NARROW}`,
  ])('are not narrowed by whoever owns them: %s', async (sql) => {
    const url = sql.startsWith('SET') ? lab.fresh.adminUrl : lab.fresh.ownerUrl;
    await expect(asAdmin(url, (client) => client.query(sql))).rejects.toThrow(/is refused/);
  });

  test('are widened again where somebody has narrowed them, and all is found again', async () => {
    await asAdmin(lab.fresh.adminUrl, async (client) => {
      await client.query('ALTER TABLE audit_fact_spans DISABLE TRIGGER ALL');
      await client.query(NARROW);
      await client.query('ALTER TABLE audit_fact_spans ENABLE TRIGGER ALL');
    });
    const found = async () => {
      const index = new PrismaAuditIndex(lab.database);
      return (await index.search({ from: timeAt(COUNT - 2) }, { limit: 10 })).length;
    };
    expect(await found()).toBe(0);
    const told: unknown[] = [];
    const inspect = new InspectLog({
      store: lab.store,
      inspection: new PrismaLogInspection(lab.database),
      sequence: lab.replica(),
      journal: lab.journal,
      roundMs: 0,
      isFiled: () => true,
      onMisfiled: ({ index, isPastTime }) => told.push([index, isPastTime]),
    });
    expect(await inspect.once()).toBeUndefined();
    expect(told[0]).toEqual([0, true]);
    expect(inspect.counts().misfiled).toBe(told.length);
    expect(await found()).toBe(2);
    const before = told.length;
    await inspect.once();
    expect(told).toHaveLength(before);
  });
});

describe('words', () => {
  test('are looked for in the newest places first, and then in all others', () => {
    expect(partsOf({ text: 'seldom' }, { before: 1_000_000 })).toEqual({
      near: { from: 950_000, before: 1_000_000 },
      far: { from: 0, before: 950_000 },
    });
    const few = { from: 10, before: 20 };
    expect(partsOf({ text: 'seldom' }, few)).toEqual({ near: few });
    const many = { from: 10, before: 1_000_000 };
    expect(partsOf({ action: 'session.deny' }, many)).toEqual({ near: many });
  });

  test('are found the same in order and at once', async () => {
    const within = { from: 0, before: COUNT };
    for (const filter of [{ text: 'seldom' }, { text: 'often', action: 'session.deny' }]) {
      const find = (inOrder: boolean) =>
        foundIn(lab.database.pool, { filter, within, inOrder, limit: 3 });
      expect(await find(false)).toEqual(await find(true));
    }
    const last = { filter: { text: 'seldom' }, within, inOrder: false, limit: 2 };
    expect(await foundIn(lab.database.pool, last)).toEqual(['8007', '6007']);
  });
});
