import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileAnchor } from '../../src/adapters/anchors/file.anchor.js';
import { PrismaAnchorCursors } from '../../src/adapters/prisma/prisma-anchor.cursors.js';
import { AnchorLog } from '../../src/app/anchor-log.js';
import { CompareAnchors } from '../../src/app/compare-anchors.js';
import { logReadiness } from '../../src/app/views/log-standing.view.js';
import type { Anchor } from '../../src/app/ports/anchor.js';
import type { SequenceLog } from '../../src/app/sequence-log.js';
import { signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import { AwayAnchor } from '../support/away.anchor.js';
import { LogLab, ORIGIN, signerNamed } from '../support/log.lab.js';

let lab: LogLab;
let folder: string;
let path: string;
let file: FileAnchor;
let cursors: PrismaAnchorCursors;
beforeEach(async () => {
  lab = await LogLab.start();
  folder = await mkdtemp(join(tmpdir(), 'anchors-'));
  path = join(folder, 'checkpoints.jsonl');
  file = new FileAnchor({ name: 'vault', everySeconds: 60, path });
  await file.begin();
  cursors = new PrismaAnchorCursors(lab.database);
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function anchorLog(
  sequence: SequenceLog,
  anchors: readonly Anchor[] = [file],
  compare: ConstructorParameters<typeof AnchorLog>[0]['compare'] = comparedAlready(),
): AnchorLog {
  const { store, journal } = lab;
  const verifiers = [lab.key.verifier];
  const common = { anchors, cursors, store, sequence, compare, journal };
  return new AnchorLog({ ...common, origin: ORIGIN, verifiers });
}

function comparedAlready(): ConstructorParameters<typeof AnchorLog>[0]['compare'] {
  return {
    look: () => Promise.resolve(true),
    waitsFor: () => [],
    holds: () => undefined,
    took: () => undefined,
  };
}

/** A replica as it starts: what it signs waits for the anchors, and what it puts for each. */
function guarded(anchors: readonly Anchor[]) {
  const sequence: SequenceLog = lab.replica({ isHeld: () => compare.waitsFor().length > 0 });
  const compare = comparing(sequence, anchors);
  return { sequence, compare, log: anchorLog(sequence, anchors, compare) };
}

async function putBackTo(size: number): Promise<void> {
  await lab.asInsider(
    'DELETE FROM audit_pending',
    `DELETE FROM audit_events WHERE id NOT IN (SELECT event_id FROM audit_leaves WHERE index < ${size})`,
    `DELETE FROM audit_leaves WHERE index >= ${size}`,
    `DELETE FROM audit_checkpoints WHERE size > ${size}`,
    'DELETE FROM audit_anchors',
  );
}

function comparing(sequence: SequenceLog, anchors: readonly Anchor[] = [file]): CompareAnchors {
  const { store, journal } = lab;
  const clock = { now: () => new Date() };
  const verifiers = [lab.key.verifier];
  return new CompareAnchors({
    anchors,
    cursors,
    store,
    sequence,
    origin: ORIGIN,
    verifiers,
    clock,
    journal,
  });
}

/** Events that are signed, in as many checkpoints as there are counts, each in the anchor. */
async function anchored(sequence: SequenceLog, ...counts: readonly number[]): Promise<void> {
  for (const count of counts) {
    await lab.write(count);
    await sequence.once();
    const head = await lab.store.head(ORIGIN);
    if (head) await file.put(head);
  }
}

async function isDueAgain(): Promise<void> {
  await lab.database.pool.query(`UPDATE audit_anchors SET put_at = put_at - interval '61 seconds'`);
}

describe('an anchor', () => {
  test('gets the newest checkpoint once in its time, from one replica, and its lag is told', async () => {
    const sequence = lab.replica();
    const replicas = [anchorLog(sequence), anchorLog(sequence), anchorLog(sequence)];
    await lab.write(5);
    await sequence.once();
    expect(await replicas[0]?.lags()).toEqual([
      { name: 'vault', events: 5, seconds: expect.any(Number) as number },
    ]);
    await Promise.all(replicas.map((it) => it.once(file)));
    expect(await file.sizes(ORIGIN)).toEqual([5]);
    expect(await file.noteOf(ORIGIN, 5)).toBe((await lab.store.head(ORIGIN))?.note);
    expect(await replicas[0]?.lags()).toEqual([{ name: 'vault', events: 0, seconds: 0 }]);

    await lab.write(2);
    await sequence.once();
    await Promise.all(replicas.map((it) => it.once(file)));
    expect(await file.sizes(ORIGIN)).toEqual([5]);
    await isDueAgain();
    await Promise.all(replicas.map((it) => it.once(file)));
    expect(await file.sizes(ORIGIN)).toEqual([7, 5]);
    expect((await readFile(path, 'utf8')).split('\n').filter(Boolean)).toHaveLength(2);
  });

  test('that cannot be reached once it was compared is counted, warned of and left to whoever tries next, and holds up nothing', async () => {
    const away = new AwayAnchor('vault', file);
    const { sequence, compare, log } = guarded([away]);
    away.isAway = false;
    await compare.once();
    away.isAway = true;
    await lab.write(1);
    await sequence.once();
    expect(await log.once(away)).toBe(false);
    expect(log.failures().get('vault')).toBe(1);
    expect(lab.journal.lines.at(-1)).toMatchObject({ level: 'warn', facts: { anchor: 'vault' } });
    expect(await anchorLog(sequence).once(file)).toBe(true);
    expect(await file.sizes(ORIGIN)).toEqual([1]);
    expect(await compare.once()).toBe(false);
    expect(compare.standings()[0]).toMatchObject({ failures: 1 });
    expect(sequence.parted()).toBeUndefined();
    await lab.write(1);
    await sequence.once();
    expect((await lab.store.head(ORIGIN))?.size).toBe(2);
  });

  test('on a disk that is full is as one that is away: nothing counts as put there', async () => {
    const full = new FileAnchor({ name: 'vault', everySeconds: 60, path: '/dev/full' });
    const sequence = lab.replica();
    await lab.write(1);
    await sequence.once();
    const log = anchorLog(sequence, [full]);
    expect(await log.once(full)).toBe(false);
    expect(log.failures().get('vault')).toBe(1);
    expect(lab.journal.lines.at(-1)).toMatchObject({ level: 'warn', facts: { anchor: 'vault' } });
    // Whoever tries where there is room puts the same checkpoint.
    expect(await anchorLog(sequence).once(file)).toBe(true);
    expect(await file.sizes(ORIGIN)).toEqual([1]);
  });

  test('that was not compared since the start holds up all signing and putting, and is told of', async () => {
    const away = new AwayAnchor('vault', file);
    const { sequence, compare, log } = guarded([away]);
    expect(compare.waitsFor()).toEqual(['vault']);
    await lab.write(3);
    expect(await compare.once()).toBe(false);
    await sequence.once();
    expect(await lab.store.head(ORIGIN)).toBeUndefined();
    expect(compare.waitsFor()).toEqual(['vault']);
    expect(lab.journal.lines.at(-1)?.message).toContain('nothing is signed before it was');
    const note = 'nothing is signed before these anchors were compared: vault';
    expect(logReadiness({ parted: undefined, waitsFor: compare.waitsFor() })).toEqual({
      ok: true,
      note,
    });
    await lab.replica().once();
    expect(await log.once(away)).toBe(true);
    expect(log.failures().get('vault')).toBe(0);

    away.isAway = false;
    await lab.write(2);
    expect(await compare.once()).toBe(true);
    expect(logReadiness({ parted: undefined, waitsFor: compare.waitsFor() })).toBe(true);
    await sequence.once();
    await log.once(away);
    expect(await file.sizes(ORIGIN)).toEqual([5]);
  });

  test('gets nothing that does not go on from what it holds, and the log is parted', async () => {
    await anchored(lab.replica(), 3, 3);
    await putBackTo(3);
    await lab.write(4);
    await lab.replica().once();
    const { store, journal } = lab;
    const sequence = lab.replica();
    const compare = comparing(sequence);
    const put = { ...comparedAlready(), look: (it: Anchor) => compare.look(it) };
    const verifiers = [lab.key.verifier];
    const deps = { anchors: [file], cursors, store, sequence, journal, origin: ORIGIN, verifiers };
    await new AnchorLog({ ...deps, compare: put }).once(file);
    expect(await file.sizes(ORIGIN)).toEqual([6, 3]);
    expect(sequence.parted()?.why).toContain('is one of 3 to 5');
  });

  test('in a file stands a line that was cut off, and one of another log', async () => {
    const sequence = lab.replica();
    await anchored(sequence, 3);
    await appendFile(
      path,
      '\n{"origin":"other.example","size":99,"note":"x"}\n{"origin":"hallpass.exa',
    );
    await anchored(sequence, 1);
    expect(await file.sizes(ORIGIN)).toEqual([4, 3]);
    await comparing(sequence).once();
    expect(sequence.parted()).toBeUndefined();
  });

  test('gets nothing of a log that is parted', async () => {
    const sequence = lab.replica();
    await lab.write(1);
    await sequence.once();
    sequence.part('it was changed');
    await anchorLog(sequence).once(file);
    expect(await file.sizes(ORIGIN)).toEqual([]);
  });
});

describe('the cursor of an anchor', () => {
  const park = (sql: string) => lab.database.pool.query(`UPDATE audit_anchors SET ${sql}`);

  test('that is parked far away holds up nothing, and is not believed of what can be read back', async () => {
    const { sequence, compare, log } = guarded([file]);
    await compare.once();
    await lab.write(3);
    await sequence.once();
    await log.once(file);
    await park(`claimed_until = 'infinity', size = 1e15, put_at = 'infinity'`);
    await lab.write(10);
    await sequence.once();
    expect(await log.lags()).toMatchObject([{ name: 'vault', events: 10 }]);
    await log.once(file);
    expect(await file.sizes(ORIGIN)).toEqual([13, 3]);
    expect(log.failures().get('vault')).toBe(1);
    expect(lab.journal.lines).toContainEqual(
      expect.objectContaining({ level: 'error', facts: { anchor: 'vault', size: 1e15 } }),
    );
    expect(await log.lags()).toEqual([{ name: 'vault', events: 0, seconds: 0 }]);

    await lab.write(1);
    await sequence.once();
    await park(`size = 14, put_at = NULL`);
    expect(await log.lags()).toMatchObject([{ name: 'vault', events: 1 }]);
    await log.once(file);
    expect(await file.sizes(ORIGIN)).toEqual([14, 13, 3]);
  });

  test('of one that nothing can be read back from counts as none beyond what was signed', async () => {
    const sequence = lab.replica();
    await lab.write(3);
    await sequence.once();
    const log = anchorLog(sequence);
    await log.once(file);
    await park(`size = 1000, put_at = NULL`);
    expect(await log.lags()).toMatchObject([{ name: 'vault', events: 3 }]);
    await log.once(file);
    expect(await log.lags()).toMatchObject([{ name: 'vault', events: 0 }]);
    expect((await readFile(path, 'utf8')).split('\n').filter(Boolean)).toHaveLength(2);
  });
});

test('a checkpoint that none of our keys has signed is put nowhere', async () => {
  const sequence = lab.replica();
  await lab.write(3);
  await sequence.once();
  const head = await lab.store.head(ORIGIN);
  const note = head && signCheckpoint(head, [signerNamed()]);
  await lab.asInsider(`UPDATE audit_checkpoints SET note = '${note}'`);
  const log = anchorLog(sequence);
  expect(await log.once(file)).toBe(false);
  expect(await file.sizes(ORIGIN)).toEqual([]);
  expect(lab.journal.lines.at(-1)?.facts).toMatchObject({
    err: { message: expect.stringContaining('it is put nowhere') as string },
  });
});

describe('an anchor that looks empty', () => {
  test('is begun with the log, and with a log of another name', async () => {
    await rm(path);
    const { sequence, compare, log } = guarded([file]);
    expect(await compare.once()).toBe(true);
    await lab.write(3);
    await sequence.once();
    expect(await comparing(lab.replica()).once()).toBe(true);
    await log.once(file);
    expect(await file.sizes(ORIGIN)).toEqual([3]);
    expect(await cursors.wasPut('vault', ORIGIN)).toBe(true);
    expect(await cursors.wasPut('vault', 'hallpass.example/v2/audit')).toBe(false);
    expect(await cursors.wasPut('other', ORIGIN)).toBe(false);
  });

  test.each([
    ['its file is not there', () => rm(path), 'mount where it is'],
    ['its file is empty', () => writeFile(path, ''), 'mount or restore what vault leads to'],
    [
      'its file ends in eight megabytes of something else',
      () => appendFile(path, '\n{'.repeat(4 * 1024 * 1024 + 10)),
      'somebody has written something else there',
    ],
  ])('was not compared where %s: nothing is signed', async (_, happen, says) => {
    const before = guarded([file]);
    await before.compare.once();
    await lab.write(3);
    await before.sequence.once();
    await before.log.once(file);
    await happen();
    const { sequence, compare } = guarded([file]);
    expect(await compare.once()).toBe(false);
    expect(compare.waitsFor()).toEqual(['vault']);
    expect(lab.journal.lines.at(-1)?.facts).toMatchObject({
      err: { message: expect.stringContaining(says) as string },
    });
    await lab.write(1);
    await sequence.once();
    expect((await lab.store.head(ORIGIN))?.size).toBe(3);
  });
});

describe('comparing', () => {
  test('finds nothing where all is as it was put by, however much came since', async () => {
    const sequence = lab.replica();
    await anchored(sequence, 3, 300, 2);
    await lab.write(700);
    await sequence.once();
    const compare = comparing(sequence);
    expect(await compare.once()).toBe(true);
    expect(sequence.parted()).toBeUndefined();
    expect(compare.standings()).toMatchObject([{ name: 'vault', failures: 0 }]);
  });

  test('before the first signing keeps a replica from signing what goes on from a restored backup', async () => {
    await anchored(lab.replica(), 6, 4);
    await lab.asInsider(
      'DELETE FROM audit_leaves WHERE index >= 6',
      'DELETE FROM audit_checkpoints WHERE size > 6',
    );
    const { sequence: fresh, compare } = guarded([file]);
    fresh.start();
    compare.start();
    await expect
      .poll(() => fresh.parted()?.why)
      .toBe(
        'the anchor vault holds a checkpoint of 10 events, and 6 have a place in the database: the events 6 to 9 were removed, or the database was put back (it agrees with the checkpoint of 6 there)',
      );
    await lab.write(1);
    await fresh.once();
    await compare.stop();
    await fresh.stop();
    expect((await lab.store.head(ORIGIN))?.size).toBe(6);
  });

  test('of what both have is remembered where the anchor goes away: no backup that is older is signed on', async () => {
    await anchored(lab.replica(), 3, 3);
    const { sequence, compare } = guarded([file]);
    await compare.once();
    await putBackTo(3);
    await lab.write(1);
    await sequence.once();
    expect(sequence.parted()?.why).toContain('one of 6 was seen here');
    expect((await lab.store.head(ORIGIN))?.size).toBe(3);
  });

  test('finds a fork that came to the anchor after all was well, though its newest agrees', async () => {
    await anchored(lab.replica(), 3, 3);
    const { sequence, compare } = guarded([file]);
    await compare.once();
    await putBackTo(3);
    await anchored(lab.replica(), 4);
    await compare.once();
    expect(await file.sizes(ORIGIN)).toEqual([7, 6, 3]);
    expect(sequence.parted()?.why).toContain('is one of 3 to 5');
  });

  test('finds a checkpoint of a fork that came late and is smaller than what was compared', async () => {
    await anchored(lab.replica(), 3);
    await putBackTo(0);
    await lab.write(2);
    await lab.replica().once();
    const fork = await lab.store.head(ORIGIN);
    await putBackTo(0);
    await rm(path);
    await anchored(lab.replica(), 5);
    const { sequence, compare } = guarded([file]);
    await compare.once();
    expect(sequence.parted()).toBeUndefined();
    if (fork) await file.put(fork);
    await compare.once();
    expect(sequence.parted()?.why).toContain('a checkpoint of 2 events with another root');
  });

  test('reads each checkpoint once, and the newest again', async () => {
    await anchored(lab.replica(), 1, 1, 1, 1);
    const counted = new AwayAnchor('vault', file);
    counted.isAway = false;
    const { compare } = guarded([counted]);
    await compare.once();
    expect(new Set(counted.asked)).toEqual(new Set([4, 3, 2, 1]));
    counted.asked.length = 0;
    await compare.once();
    expect(new Set(counted.asked)).toEqual(new Set([4]));
  });

  test('names the events between which they part, where more was signed since', async () => {
    await anchored(lab.replica(), 5, 5, 5, 5, 5);
    await lab.asInsider(
      'DELETE FROM audit_leaves WHERE index >= 12',
      'DELETE FROM audit_checkpoints WHERE size > 10',
      'DELETE FROM audit_leaves WHERE index >= 10',
    );
    await lab.write(40);
    const forked = lab.replica();
    await forked.once();
    expect(forked.parted()).toBeUndefined();
    await comparing(forked).once();
    expect(forked.parted()?.why).toBe(
      'the anchor vault holds a checkpoint of 15 events with another root than the database has: the first event that was changed, removed or inserted is one of 10 to 14 (it agrees with the checkpoint of 10 there)',
    );
  });

  test('finds a tile of which hashes were removed', async () => {
    const sequence = lab.replica();
    await anchored(sequence, 10, 300);
    await lab.asInsider('DELETE FROM audit_nodes');
    await comparing(sequence).once();
    expect(sequence.parted()?.why).toContain('is one of 10 to 309');
  });

  test('tells of a checkpoint that none of our keys has signed, once, and goes by those that one has', async () => {
    const sequence = lab.replica();
    await anchored(sequence, 4);
    const head = await lab.store.head(ORIGIN);
    if (!head) throw new Error('nothing was signed');
    const forged = { origin: ORIGIN, size: 9, root: Buffer.alloc(32) };
    const note = signCheckpoint(forged, [signerNamed()]);
    await file.put({ ...head, ...forged, note });
    const compare = comparing(sequence);
    expect(await compare.once()).toBe(true);
    expect(await compare.once()).toBe(true);
    expect(sequence.parted()).toBeUndefined();
    expect(compare.standings()).toMatchObject([{ name: 'vault', failures: 0, foreign: 1 }]);
    const told = lab.journal.lines.filter(({ level }) => level === 'error');
    expect(told).toMatchObject([{ facts: { anchor: 'vault', size: 9 } }]);

    await lab.asInsider('DELETE FROM audit_leaves WHERE index >= 2');
    await compare.once();
    expect(sequence.parted()?.why).toContain('holds a checkpoint of 4 events');
  });

  test('is not done where all that is newest in an anchor is not ours: it hides what is', async () => {
    const sequence = lab.replica();
    await anchored(sequence, 1);
    const head = await lab.store.head(ORIGIN);
    if (!head) throw new Error('nothing was signed');
    const other = signerNamed();
    for (let size = 10; size < 40; size++) {
      const forged = { origin: ORIGIN, size, root: Buffer.alloc(32) };
      await file.put({ ...head, ...forged, note: signCheckpoint(forged, [other]) });
    }
    const compare = comparing(sequence);
    expect(await compare.once()).toBe(false);
    expect(compare.standings()).toMatchObject([{ comparedAt: null, failures: 1, foreign: 20 }]);
  });

  test('goes by what a former key has signed, as signing does', async () => {
    await anchored(lab.replica(), 6);
    const next = signerNamed();
    const keys = { signers: [next], formerKeys: [lab.key.verifier] };
    const forgot = lab.replica({ signers: [next] });
    const knows = lab.replica(keys);
    await lab.write(1);
    await forgot.once();
    expect(forgot.parted()?.why).toContain('signed by none of the keys that are trusted');
    await knows.once();
    expect(knows.parted()).toBeUndefined();
    const { store, journal } = lab;
    const clock = { now: () => new Date() };
    const verifiers = [next.verifier, lab.key.verifier];
    await lab.asInsider('DELETE FROM audit_leaves WHERE index >= 5');
    const common = { store, cursors, journal, clock, origin: ORIGIN, anchors: [file] };
    await new CompareAnchors({ ...common, sequence: knows, verifiers }).once();
    expect(knows.parted()?.why).toContain('the events 5 to 5 were removed');
  });
});
