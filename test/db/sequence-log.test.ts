import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashesOf } from '../../src/app/log.hashes.js';
import type { SequenceLog } from '../../src/app/sequence-log.js';
import { openCheckpoint, signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import {
  consistencyRanges,
  inclusionRanges,
  isConsistent,
  isIncluded,
  rootOf,
} from '../../src/domain/audit/merkle.tree.js';
import { LogLab, ORIGIN, signerNamed } from '../support/log.lab.js';

let lab: LogLab;
beforeEach(async () => {
  lab = await LogLab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

async function all(replica: SequenceLog): Promise<void> {
  while ((await replica.once()) === 'more');
}

async function head() {
  const found = await lab.store.head(ORIGIN);
  if (!found) throw new Error('nothing was signed');
  return found;
}

describe('the sequencer', () => {
  test('gives every event one place, in the order they came, and signs the root above them', async () => {
    const replica = lab.replica({ batch: 300 });
    const before = await lab.write(700);
    await all(replica);
    const first = await head();
    const after = await lab.write(5);
    await all(replica);
    const second = await head();

    const leaves = [...before, ...after].map(({ leafHash }) => leafHash);
    expect(second).toMatchObject({ size: 705, root: rootOf(leaves) });
    expect(first).toMatchObject({ size: 700, root: rootOf(leaves.slice(0, 700)) });
    expect(openCheckpoint(second.note, [lab.key.verifier])).toMatchObject({ size: 705 });
    const entries = await lab.store.entries(0, 1000);
    expect(entries.map(({ body }) => body)).toEqual([...before, ...after].map((it) => it.body));
    expect(await lab.count('audit_pending')).toBe(0);
    expect(await lab.count('audit_checkpoints')).toBe(4);
  });

  test('has what proves each event and each older head, through tiles of every level', async () => {
    const replica = lab.replica();
    await lab.write(66_000);
    await all(replica);
    const { size, root } = await head();
    for (const index of [0, 255, 256, 65_535, 65_536, 65_999]) {
      const [entry] = await lab.store.entries(index, 1);
      const proof = await hashesOf(inclusionRanges(index, size), size, (ids) =>
        lab.store.tiles(ids),
      );
      expect(entry && (await lab.store.placeOf(entry.eventId))).toMatchObject({ index });
      expect(entry && isIncluded({ leaf: entry.leafHash, index, size, root, proof })).toBe(true);
    }
    const older = await lab.database.pool.query<{ size: string; root: Buffer }>(
      'SELECT size, root FROM audit_checkpoints ORDER BY size LIMIT 20',
    );
    for (const row of older.rows) {
      const was = { size: Number(row.size), root: row.root };
      const ranges = consistencyRanges(was.size, size);
      const proof = await hashesOf(ranges, size, (ids) => lab.store.tiles(ids));
      expect(isConsistent({ older: was, newer: { size, root }, proof })).toBe(true);
    }
  });

  test('is one at a time, whichever replica: no event has two places and none is left', async () => {
    const replicas = [1, 2, 3].map(() => lab.replica({ batch: 10 }));
    for (const replica of replicas) replica.start();
    const written = [];
    for (let round = 0; round < 10; round++) {
      written.push(...(await Promise.all([lab.write(7), lab.write(8)])).flat());
    }
    await expect.poll(() => lab.count('audit_pending'), { timeout: 20_000 }).toBe(0);
    for (const replica of replicas) await replica.stop();
    expect(replicas.map((it) => it.parted())).toEqual([undefined, undefined, undefined]);
    const entries = await lab.store.entries(0, 1000);
    expect(entries.map((it) => it.index)).toEqual(written.map((_, at) => at));
    expect(new Set(entries.map((it) => it.eventId))).toEqual(new Set(written.map((it) => it.id)));
    const { root } = await head();
    expect(root).toEqual(rootOf(entries.map((it) => it.leafHash)));
  });

  test('gives no place to what was rolled back, and none is missing for it', async () => {
    await lab.write(2);
    const client = await lab.database.pool.connect();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO audit_events (id, at, action, body, leaf_hash)
       SELECT gen_random_uuid(), at, action, body, leaf_hash FROM audit_events`,
    );
    await client.query('ROLLBACK');
    client.release();
    await lab.write(1);
    await all(lab.replica());
    expect((await head()).size).toBe(3);
  });

  test('that dies before it commits leaves all as it was, for the next one', async () => {
    await lab.write(3);
    const dying = lab.replica({
      clock: {
        now: () => {
          throw new Error('killed');
        },
      },
    });
    await expect(dying.once()).rejects.toThrow('killed');
    expect(await lab.count('audit_pending')).toBe(3);
    expect(await lab.count('audit_leaves')).toBe(0);
    await all(lab.replica());
    expect((await head()).size).toBe(3);
  });

  test('signs with both keys while one takes the place of the other', async () => {
    const next = signerNamed();
    await lab.write(1);
    await all(lab.replica());
    await lab.write(1);
    await all(lab.replica({ signers: [lab.key, next] }));
    const { note } = await head();
    for (const key of [lab.key, next]) {
      expect(openCheckpoint(note, [key.verifier])).toMatchObject({ size: 2 });
    }
    await lab.write(1);
    const replica = lab.replica({ signers: [next] });
    await all(replica);
    expect(replica.parted()).toBeUndefined();
    expect((await head()).size).toBe(3);
  });

  test('goes on under another origin with all that has a place', async () => {
    const other = signerNamed('other.example/log');
    await lab.write(2);
    await all(lab.replica());
    await lab.write(1);
    const over = { origin: 'other.example/log', signers: [other] };
    const forgot = lab.replica(over);
    await all(forgot);
    expect(forgot.parted()?.why).toContain('signed by none of the keys that are trusted');
    await all(lab.replica({ ...over, formerKeys: [lab.key.verifier] }));
    expect(await lab.store.head('other.example/log')).toMatchObject({ size: 3 });
    expect((await head()).size).toBe(2);
  });
});

describe('after a failover to a database that lacks the last commits', () => {
  const lost = [
    'DELETE FROM audit_leaves WHERE index >= 6',
    'DELETE FROM audit_checkpoints WHERE size > 6',
  ];

  test('a replica that only gave a checkpoint to somebody signs nothing that does not go on from it', async () => {
    const signing = lab.replica();
    const giving = lab.replica();
    await lab.write(6);
    await all(signing);
    await lab.write(4);
    await all(signing);
    giving.see(await head());
    await lab.asInsider(...lost);
    await lab.write(1);
    await giving.once();
    expect(giving.parted()?.why).toBe(
      'the newest checkpoint is of 6 events, and one of 10 was seen here: the database was put back',
    );
  });

  test('and where another replica has signed more since, finds that it does not begin with it', async () => {
    const signing = lab.replica();
    const giving = lab.replica();
    await lab.write(6);
    await all(signing);
    await lab.write(4);
    await all(signing);
    giving.see(await head());
    await lab.asInsider(...lost);
    await lab.write(9);
    await all(lab.replica());
    await lab.write(1);
    await giving.once();
    expect(giving.parted()?.why).toContain('does not begin with that of 10, which was seen here');
  });
});

test('clocks that jump by years, back and forth, hold up nothing: places go by the order in the database', async () => {
  const times = ['2026-01-01', '2036-01-01', '1999-01-01', '2026-01-01'].map((it) => new Date(it));
  for (const time of times) {
    await lab.write(2);
    const replica = lab.replica({ clock: { now: () => time } });
    await all(replica);
    expect(replica.parted()).toBeUndefined();
  }
  const fresh = lab.replica();
  await lab.write(1);
  await all(fresh);
  expect(fresh.parted()).toBeUndefined();
  expect((await head()).size).toBe(9);
  expect((await lab.store.newest()).latest?.size).toBe(9);
});

test('a hole in the numbers of what waits is no hole in the log', async () => {
  await lab.write(2);
  await lab.asInsider(
    `SELECT nextval(pg_get_serial_sequence('audit_pending', 'seq')) FROM generate_series(1, 1000)`,
  );
  await lab.write(2);
  await all(lab.replica());
  expect((await lab.store.entries(0, 10)).map(({ index }) => index)).toEqual([0, 1, 2, 3]);
});

describe('nothing is signed any more, and the reason names what parts, where somebody with all rights', () => {
  test.each<[string, string[], string]>([
    [
      'removed the tail with its places',
      ['DELETE FROM audit_leaves WHERE index >= 8'],
      'the newest checkpoint is of 10 events, and 8 have a place: those after them were removed',
    ],
    [
      'inserted an event late',
      [
        `INSERT INTO audit_leaves SELECT 10, id, leaf_hash FROM audit_events WHERE id NOT IN (SELECT event_id FROM audit_leaves) LIMIT 1`,
      ],
      'the newest checkpoint is of 10 events, and 11 have a place: others were inserted after it',
    ],
    [
      'put another event in the place of one that no tile holds yet',
      [`UPDATE audit_leaves SET leaf_hash = sha256('x') WHERE index = 9`],
      'the checkpoint of 10 events has another root than the events in the database',
    ],
    [
      'restored yesterday’s backup',
      ['DELETE FROM audit_leaves WHERE index >= 6', 'DELETE FROM audit_checkpoints WHERE size > 6'],
      'the newest checkpoint is of 6 events, and one of 10 was seen here: the database was put back',
    ],
    [
      'rewrote the tree and signed it with another key',
      [`UPDATE audit_checkpoints SET note = $other WHERE size = 10`],
      'the checkpoint of 10 events is signed by none of the keys that are trusted',
    ],
    [
      'changed what waits',
      [`UPDATE audit_events SET body = '\\x7b7d' WHERE id IN (SELECT event_id FROM audit_pending)`],
      'is not what its hash is of',
    ],
  ])('%s', async (_, statements, why) => {
    const replica = lab.replica();
    await lab.write(6);
    await all(replica);
    await lab.write(4);
    await all(replica);
    await lab.write(1);
    const { root } = await head();
    const other = signCheckpoint({ origin: ORIGIN, size: 10, root }, [signerNamed()]);
    await lab.asInsider(...statements.map((it) => it.replace('$other', `'${other}'`)));
    // Another replica has looked in the meantime, or this one was started anew: what it knows of the tree is not used.
    const again = why.includes('seen here') ? replica : lab.replica();
    await again.once();
    expect(again.parted()?.why).toContain(why);
    expect(await lab.count('audit_pending')).toBeGreaterThan(0);
    expect(lab.journal.lines.at(-1)).toMatchObject({ level: 'error' });
    await again.once();
    expect(await lab.count('audit_pending')).toBeGreaterThan(0);
  });
});
