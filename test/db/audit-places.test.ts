import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partsOf, placesIn, spanOf } from '../../src/adapters/prisma/audit-search.sql.js';
import { PrismaAuditIndex } from '../../src/adapters/prisma/prisma-audit.index.js';
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

  test('are looked for in few places', async () => {
    const { pool } = lab.database;
    const middle = { from: timeAt(5_000), until: timeAt(5_003) };
    // The newest block has an event of before: it may have others.
    expect(await spanOf(pool, middle)).toEqual({ begin: 4_096, end: COUNT });
    expect(await spanOf(pool, middle, 5_001)).toEqual({ begin: 4_096, end: 5_001 });
    expect(await spanOf(pool, { until: timeAt(-1) })).toEqual({ begin: 8_192, end: COUNT });
  });
});

describe('words', () => {
  const span = { begin: 0, end: 1_000_000 };

  test('are looked for in the newest places first, and then in all others', () => {
    expect(partsOf({ text: 'seldom' }, span)).toEqual({
      near: { begin: 950_000, end: 1_000_000 },
      far: { begin: 0, end: 950_000 },
    });
    expect(partsOf({ text: 'seldom' }, { begin: 10, end: 20 })).toEqual({
      near: { begin: 10, end: 20 },
    });
    expect(partsOf({ action: 'session.deny' }, span)).toEqual({ near: span });
  });

  test('are found the same in order and at once', async () => {
    const all = { begin: 0, end: COUNT };
    for (const filter of [{ text: 'seldom' }, { text: 'often', action: 'session.deny' }]) {
      const find = (inOrder: boolean) =>
        placesIn(lab.database.pool, { filter, span: all, inOrder, limit: 3 });
      expect(await find(false)).toEqual(await find(true));
    }
    const last = { filter: { text: 'seldom' }, span: all, inOrder: false, limit: 2 };
    expect(await placesIn(lab.database.pool, last)).toEqual(['8007', '6007']);
  });
});
