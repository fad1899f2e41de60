import { appendFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileAnchor } from '../../src/adapters/anchors/file.anchor.js';
import { PrismaAnchorCursors } from '../../src/adapters/prisma/prisma-anchor.cursors.js';
import { PrismaLogInspection } from '../../src/adapters/prisma/prisma-log.inspection.js';
import { AnchorLog } from '../../src/app/anchor-log.js';
import { CompareAnchors } from '../../src/app/compare-anchors.js';
import { exportLog } from '../../src/app/export-log.js';
import { exportRecordings } from '../../src/app/export-recordings.js';
import { InspectLog } from '../../src/app/inspect-log.js';
import { WritableLogFiles } from '../../src/app/ports/log.files.js';
import { ReadLog } from '../../src/app/read-log.js';
import { verifyLog } from '../../src/app/verify-log.js';
import { logReadiness } from '../../src/app/views/log-standing.view.js';
import { signCheckpoint } from '../../src/domain/audit/checkpoint.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { leafHashOf, rootOf } from '../../src/domain/audit/merkle.tree.js';
import type { SignerKey } from '../../src/domain/audit/signed.note.js';
import { AwayAnchor } from '../support/away.anchor.js';
import { LogLab, ORIGIN, signerNamed } from '../support/log.lab.js';
import { ROBIN, SYSTEM, actorOf } from '../support/sessions.js';

const SIZE = 600;
const AUDITOR_HAS = 500;
const DAY_MS = 86_400_000;
const clock = { now: () => new Date() };

let lab: LogLab;
let folder: string;
let file: FileAnchor;
let vault: AwayAnchor;
let auditorsNote: string;

/** 600 signed events, of which an anchor has three checkpoints and an auditor one; and one event that waits. */
beforeEach(async () => {
  lab = await LogLab.start();
  folder = await mkdtemp(join(tmpdir(), 'anchors-'));
  file = new FileAnchor({ name: 'vault', everySeconds: 60, path: join(folder, 'checkpoints') });
  vault = new AwayAnchor('vault', file);
  vault.isAway = false;
  const sequence = lab.replica();
  for (const count of [300, AUDITOR_HAS - 300, SIZE - AUDITOR_HAS]) {
    await lab.write(count);
    await sequence.once();
    const head = await lab.store.head(ORIGIN);
    if (head) await vault.put(head);
    if (head?.size === AUDITOR_HAS) auditorsNote = head.note;
  }
  await lab.write(1);
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

type Catcher = 'sequencer' | 'anchor' | 'inspection' | 'verify';

/** What each that looks for itself says, all started anew: none remembers anything. */
async function caught(): Promise<Partial<Record<Catcher, string>>> {
  const says: Partial<Record<Catcher, string>> = {};
  const { store, journal } = lab;
  const partedBy = (who: Catcher) => ({
    parted: () => undefined,
    see: () => undefined,
    part: (why: string) => {
      says[who] ??= why;
    },
  });
  const common = { store, journal, clock, origin: ORIGIN };
  const anchors = [vault];
  const verifiers = [lab.key.verifier];
  const compare = new CompareAnchors({
    ...common,
    cursors: new PrismaAnchorCursors(lab.database),
    verifiers,
    anchors,
    sequence: partedBy('anchor'),
  });
  await compare.once();
  const waitsFor = compare.waitsFor();
  const ready = logReadiness({ parted: undefined, waitsFor });
  if (ready !== true) says.anchor = ready.note;
  const inspection = new PrismaLogInspection(lab.database);
  const sequence = partedBy('inspection');
  let misfiled: string | undefined;
  const inspect = new InspectLog({
    ...common,
    inspection,
    sequence,
    roundMs: 0,
    isFiled: () => true,
    onMisfiled: ({ index, isMissing, isPastTime }) => {
      const how = isPastTime ? 'is past its time' : isMissing ? 'is missing' : 'is changed';
      misfiled ??= `misfiled: ${index} ${how}`;
    },
  });
  await inspect.once();
  if (misfiled !== undefined) says.inspection ??= misfiled;
  const found = await verified();
  if (found !== undefined) says.verify = found;
  const replica = lab.replica({ isHeld: () => waitsFor.length > 0 });
  await replica.once();
  const why = replica.parted()?.why;
  if (why !== undefined) says.sequencer = why;
  return says;
}

class MemoryFiles extends WritableLogFiles {
  private readonly files = new Map<string, Buffer>();
  read(path: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.files.get(path));
  }
  write(path: string, bytes: Buffer): Promise<void> {
    this.files.set(path, bytes);
    return Promise.resolve();
  }
}

/** What an auditor finds in an export, with the key and an older checkpoint; undefined where all is well. */
async function verified(): Promise<string | undefined> {
  const silent = { append: () => Promise.resolve(), read: () => Promise.resolve([]) };
  const signers = [lab.key];
  const log = new ReadLog({ store: lab.store, audit: silent, clock, origin: ORIGIN, signers });
  const source = async (path: string): Promise<Buffer | undefined> => {
    const read =
      path === 'checkpoint'
        ? await log.checkpoint()
        : await log.file({ actor: actorOf(ROBIN), roles: ['auditor'] }, path);
    if (typeof read === 'string') return Buffer.from(read);
    return Buffer.isBuffer(read) ? read : undefined;
  };
  const files = new MemoryFiles();
  try {
    const head = await exportLog({ source, to: files, pauseMs: 1 });
    if (head === undefined) return 'nothing was signed yet';
  } catch (error) {
    return `no export: ${error instanceof Error ? error.message : String(error)}`;
  }
  await exportRecordings({ source: () => Promise.resolve(undefined), files });
  const verifiers = [lab.key.verifier];
  const { findings } = await verifyLog({ files, verifiers, olderNote: auditorsNote });
  const [first] = findings;
  return first && `${first.index ?? '-'}: ${first.what}`;
}

const at = (index: number): string => `(SELECT event_id FROM audit_leaves WHERE index = ${index})`;
const hex = (bytes: Buffer): string => `'\\x${bytes.toString('hex')}'`;

interface Forged {
  readonly body: Buffer;
  readonly leafHash: Buffer;
}

/** The event at a place as it might have been: all but what it says was done is as it was. */
async function forgedAt(index: number): Promise<Forged> {
  const [entry] = await lab.store.entries(index, 1);
  const body = Buffer.from(String(entry?.body).replace('session.finish', 'session.revoke'));
  return { body, leafHash: leafHashOf(body) };
}

/** With its hashes, what its row says beside it and what searches go by, so that all rows agree. */
function edits(index: number, { body, leafHash }: Forged): string[] {
  return [
    `UPDATE audit_events SET action = 'session.revoke', body = ${hex(body)}, leaf_hash = ${hex(leafHash)} WHERE id = ${at(index)}`,
    `UPDATE audit_leaves SET leaf_hash = ${hex(leafHash)} WHERE index = ${index}`,
    `UPDATE audit_facts SET action = 'session.revoke' WHERE index = ${index}`,
  ];
}

/** The whole log with another event at place 42, signed as if it had always been so. */
async function rewritten(key: SignerKey): Promise<string[]> {
  const forged = await forgedAt(42);
  const leaves = (await lab.store.entries(0, SIZE)).map(({ leafHash }) => leafHash);
  leaves[42] = forged.leafHash;
  const root = rootOf(leaves);
  const note = signCheckpoint({ origin: ORIGIN, size: SIZE, root }, [key]);
  return [
    ...edits(42, forged),
    `UPDATE audit_nodes SET hash = ${hex(rootOf(leaves.slice(0, 256)))} WHERE level = 1 AND index = 0`,
    'DELETE FROM audit_checkpoints',
    `INSERT INTO audit_checkpoints VALUES ('${ORIGIN}', ${SIZE}, ${hex(root)}, '${note}', now())`,
  ];
}

const INSERT_EVENT = `INSERT INTO audit_events (id, at, action, body, leaf_hash)
  SELECT '00000000-0000-4000-8000-000000000000', now(), 'test.forged', '\\x7b7d', sha256('\\x007b7d')`;

/** Empties bodies, with an event that tells of it as the service would write it. */
async function emptied(
  places: readonly (readonly [number, number])[],
  told: { readonly at?: Date; readonly cutoff?: Date; readonly count?: number },
  body = 42,
): Promise<string[]> {
  const { at: time = new Date(), cutoff = new Date(Date.now() - 40 * DAY_MS), count = 1 } = told;
  const entry = auditEntry({
    at: time,
    action: 'audit.dropped',
    outcome: 'success',
    actor: SYSTEM,
    data: { places, count, cutoff: cutoff.toISOString() },
  });
  await lab.audit.append(entry);
  await lab.replica().once();
  return [`UPDATE audit_events SET body = NULL WHERE id = ${at(body)}`];
}

const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const NOT_TOLD = {
  inspection: 'at place 42 has no body, and no event says that it was dropped',
  verify: '42: has no body, and no event says that it was dropped',
};

const PUT_BACK = [
  'DELETE FROM audit_pending',
  'DELETE FROM audit_events WHERE id NOT IN (SELECT event_id FROM audit_leaves WHERE index < 300)',
  'DELETE FROM audit_leaves WHERE index >= 300',
  'DELETE FROM audit_facts WHERE index >= 300',
  'DELETE FROM audit_nodes WHERE index > 0',
  'DELETE FROM audit_checkpoints WHERE size > 300',
  'DELETE FROM audit_anchors',
];

/** Events that tell the end of a recording, and that it was dropped where `drop` is there; there is none. */
async function recorded(drop?: object): Promise<void> {
  const data = { recording: 'aaaaaaaaaaaaaaaa', digest: 'ab'.repeat(32), chunks: 1 };
  await lab.write(1, { action: 'recording.finished', data });
  if (drop) await lab.write(1, { action: 'recording.dropped', data: { ...data, ...drop } });
  await lab.replica().once();
}

/** As many checkpoints of another's key in the anchor as are passed over, and more events than any has. */
async function putForeign(): Promise<void> {
  const other = signerNamed();
  for (let size = 1_000; size < 1_020; size++) {
    const head = { origin: ORIGIN, size, root: Buffer.alloc(32) };
    const note = signCheckpoint(head, [other]);
    await file.put({ ...head, note, signedAt: new Date() });
  }
}

/** A backup that is signed on, past what the anchor had, by a replica that knows of no anchor. */
async function forked(): Promise<string[]> {
  await lab.asInsider(...PUT_BACK);
  await lab.write(400);
  await lab.replica().once();
  const head = await lab.store.head(ORIGIN);
  if (head) await file.put(head);
  return [];
}

interface Deed {
  readonly deed: string;
  readonly sql: readonly string[] | (() => Promise<string[]>);
  /** Who says it, and the beginning of what is said; nobody else does. */
  readonly by: Partial<Record<Catcher, string>>;
  /** How many events are signed then, though one more waits, where it is the anchor that holds signing up. */
  readonly signedAfter?: number;
}

const DEEDS: readonly Deed[] = [
  {
    deed: 'edits a body',
    sql: async () => [
      `UPDATE audit_events SET body = ${hex((await forgedAt(42)).body)} WHERE id = ${at(42)}`,
    ],
    by: {
      inspection: 'at place 42 has another body than the one that was hashed',
      verify: '42: is not what the tree has a hash of',
    },
  },
  {
    deed: 'edits a body with its hashes',
    sql: async () => edits(42, await forgedAt(42)),
    by: {
      inspection: 'the tree is not of the events at places 0 to 255',
      verify: '0: one of the events 0 to 255 is not what the tree above them is of',
    },
  },
  {
    deed: 'edits a body with its hashes near the end, above which there is no tile yet',
    sql: async () => edits(599, await forgedAt(599)),
    by: {
      anchor: 'is one of 500 to 599',
      inspection: 'the newest checkpoint, of 600 events, has another root',
      sequencer: 'the checkpoint of 600 events has another root',
      verify: 'the events are not those of the checkpoint',
    },
  },
  {
    deed: 'edits what a row says beside its body, so that a search misses it',
    sql: [`UPDATE audit_events SET action = 'session.revoke' WHERE id = ${at(42)}`],
    by: {
      inspection: 'at place 42 has another action in its row than in its body',
    },
  },
  {
    deed: 'edits what searches go by',
    sql: [`UPDATE audit_facts SET action = 'session.revoke' WHERE index = 42`],
    by: {
      inspection: 'misfiled: 42 is changed',
    },
  },
  {
    deed: 'removes an event from what searches go by',
    sql: ['DELETE FROM audit_facts WHERE index = 42'],
    by: {
      inspection: 'misfiled: 42 is missing',
    },
  },
  {
    deed: 'narrows the times by which searches choose their places',
    sql: [
      'ALTER TABLE audit_fact_spans DISABLE TRIGGER ALL',
      `UPDATE audit_fact_spans SET first_at = '2000-01-01', last_at = '2000-01-01'`,
    ],
    by: {
      inspection: 'misfiled: 0 is past its time',
    },
  },
  {
    deed: 'removes the times by which searches choose their places',
    sql: ['ALTER TABLE audit_fact_spans DISABLE TRIGGER ALL', 'DELETE FROM audit_fact_spans'],
    by: {
      inspection: 'misfiled: 0 is past its time',
    },
  },
  {
    deed: 'swaps the bodies of two',
    sql: [
      `UPDATE audit_events e SET body = o.body, leaf_hash = o.leaf_hash
       FROM audit_events o WHERE (e.id = ${at(42)} AND o.id = ${at(43)}) OR (e.id = ${at(43)} AND o.id = ${at(42)})`,
    ],
    by: {
      inspection: 'at place 42 has another hash than its place',
      verify: '42: is not what the tree has a hash of',
    },
  },
  {
    deed: 'swaps the places of two',
    sql: [
      `ALTER TABLE audit_leaves DROP CONSTRAINT audit_leaves_event_id_key`,
      `UPDATE audit_leaves l SET event_id = o.event_id, leaf_hash = o.leaf_hash
       FROM audit_leaves o WHERE (l.index = 42 AND o.index = 43) OR (l.index = 43 AND o.index = 42)`,
    ],
    by: {
      inspection: 'the tree is not of the events at places 0 to 255',
      verify: '0: one of the events 0 to 255 is not what the tree above them is of',
    },
  },
  {
    deed: 'drops a body before its time, and no event says so',
    sql: [`UPDATE audit_events SET body = NULL WHERE id = ${at(42)}`],
    by: {
      inspection: 'at place 42 has no body, and no event says that it was dropped',
      verify: '42: has no body, and no event says that it was dropped',
    },
  },
  {
    deed: 'drops a body before its time, and an event says so of everything that is and will be',
    sql: () =>
      emptied([[0, Number.MAX_SAFE_INTEGER]], {
        at: inDays(40),
        cutoff: inDays(1),
        count: Number.MAX_SAFE_INTEGER,
      }),
    by: NOT_TOLD,
  },
  {
    deed: 'drops a body before its time, and an event says so of another number',
    sql: () => emptied([[42, 43]], { at: inDays(40), cutoff: inDays(1) }),
    by: NOT_TOLD,
  },
  {
    deed: 'drops a body before its time, and an event says that it was of long ago',
    sql: () => emptied([[42, 42]], { cutoff: new Date('2020-01-01T00:00:00Z') }),
    by: { verify: NOT_TOLD.verify },
  },
  {
    deed: 'drops a body before its time, and an event says so within thirty days',
    sql: () => emptied([[42, 42]], { at: inDays(29), cutoff: inDays(1) }),
    by: NOT_TOLD,
  },
  {
    deed: 'drops a body before its time, and an event before it says so',
    sql: async () => {
      const sql = await emptied([[602, 602]], { at: inDays(40), cutoff: inDays(1) }, 602);
      await lab.write(1, { at: inDays(40) });
      await lab.replica().once();
      return sql;
    },
    by: {
      inspection: 'at place 602 has no body, and no event says that it was dropped',
      verify: '602: has no body, and no event says that it was dropped',
    },
  },
  {
    deed: 'drops a body before its time, and an event that is dated ahead says so',
    sql: async () => {
      const sql = await emptied([[42, 42]], { at: inDays(40), cutoff: inDays(1) });
      await lab.write(1);
      await lab.replica().once();
      return sql;
    },
    by: { verify: 'it was inserted late' },
  },
  {
    deed: 'removes a recording',
    sql: async () => {
      await recorded();
      return [];
    },
    by: { verify: '-: the recording aaaaaaaaaaaaaaaa is missing' },
  },
  {
    deed: 'removes a recording, and an event says so of a time that is not over',
    sql: async () => {
      await recorded({ keepUntil: inDays(40).toISOString() });
      return [];
    },
    by: { verify: '-: the recording aaaaaaaaaaaaaaaa is missing' },
  },
  {
    deed: 'removes a recording, and an event says so of another digest',
    sql: async () => {
      await recorded({ keepUntil: inDays(-1).toISOString(), digest: 'cd'.repeat(32) });
      return [];
    },
    by: { verify: '-: the recording aaaaaaaaaaaaaaaa is missing' },
  },
  {
    deed: 'deletes an event',
    sql: [`DELETE FROM audit_events WHERE id = ${at(42)}`],
    by: {
      inspection: 'at place 42 was deleted',
      verify: '0: the events 0 to 255 are not whole',
    },
  },
  {
    deed: 'deletes an event with its place, and moves up those after it',
    sql: [
      `DELETE FROM audit_events WHERE id = ${at(42)}`,
      'DELETE FROM audit_leaves WHERE index = 42',
      'UPDATE audit_leaves SET index = index + 1000000 WHERE index > 42',
      'UPDATE audit_leaves SET index = index - 1000001 WHERE index > 1000000',
    ],
    by: {
      anchor: 'is one of 0 to 299',
      inspection: 'the tree is not of the events at places 0 to 255',
      sequencer: '599 have a place: those after them were removed',
      verify: 'no export',
    },
  },
  {
    deed: 'deletes the tail',
    sql: [
      'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE index >= 550)',
      'DELETE FROM audit_leaves WHERE index >= 550',
    ],
    by: {
      anchor: 'the events 550 to 599 were removed',
      inspection: 'the place 550 of the log is empty',
      sequencer: '550 have a place: those after them were removed',
      verify: 'no export',
    },
  },
  {
    deed: 'deletes the tail that the auditor has not, with its checkpoints',
    sql: [
      'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE index >= 500)',
      'DELETE FROM audit_leaves WHERE index >= 500',
      'DELETE FROM audit_checkpoints WHERE size > 500',
    ],
    by: {
      anchor: 'the events 500 to 599 were removed',
    },
  },
  {
    deed: 'inserts an event late, with a place of its own',
    sql: [
      INSERT_EVENT,
      `INSERT INTO audit_leaves SELECT 600, id, leaf_hash FROM audit_events WHERE action = 'test.forged'`,
    ],
    by: {
      inspection: 'the places 600 to 600 were given by nobody who signs',
      sequencer: '601 have a place: others were inserted after it',
    },
  },
  {
    deed: 'writes an event of a time that is long over, as the service writes its own',
    sql: async () => {
      const actor = actorOf(ROBIN);
      const at = new Date('2020-01-01T00:00:00Z');
      await lab.audit.append(auditEntry({ at, action: 'session.note', outcome: 'success', actor }));
      await lab.replica().once();
      return [];
    },
    by: { verify: '601: is of 2020-01-01T00:00:00.000Z, and one before it of' },
  },
  {
    deed: 'disables the triggers and inserts an event past the log',
    sql: [INSERT_EVENT],
    by: {
      inspection: 'the event 00000000-0000-4000-8000-000000000000 has no place',
    },
  },
  {
    deed: 'keeps an event out of the log that waits for its place',
    sql: ['DELETE FROM audit_pending'],
    by: {
      inspection: 'has no place in the log and waits for none',
    },
  },
  {
    deed: 'edits an event that waits for its place, with its hash',
    sql: async () => {
      const { rows } = await lab.database.pool.query<{ id: string; body: Buffer }>(
        'SELECT e.id, e.body FROM audit_pending p JOIN audit_events e ON e.id = p.event_id',
      );
      return rows.map(({ id, body: before }) => {
        const body = Buffer.from(String(before).replace('session.finish', 'session.revoke'));
        return `UPDATE audit_events SET action = 'session.revoke', body = ${hex(body)}, leaf_hash = ${hex(leafHashOf(body))} WHERE id = '${id}'`;
      });
    },
    by: {},
  },
  {
    deed: 'removes an event that waits for its place',
    sql: [
      'CREATE TEMP TABLE waiting AS SELECT event_id FROM audit_pending',
      'DELETE FROM audit_pending',
      'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM waiting)',
    ],
    by: {},
  },
  {
    deed: 'parks the cursor of the anchor, and deletes the tail a day later',
    sql: async () => {
      const { database, store, journal } = lab;
      const cursors = new PrismaAnchorCursors(database);
      const sequence = lab.replica();
      const verifiers = [lab.key.verifier];
      const common = { anchors: [vault], cursors, store, sequence, journal, verifiers };
      const compare = new CompareAnchors({ ...common, clock, origin: ORIGIN });
      const log = new AnchorLog({ ...common, compare, origin: ORIGIN });
      await compare.once();
      await database.pool.query(
        `INSERT INTO audit_anchors (name, claimed_until, size) VALUES ('vault', 'infinity', 1e15)`,
      );
      await lab.write(20);
      await sequence.once();
      await log.once(vault);
      return [
        'DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_leaves WHERE index >= 600)',
        'DELETE FROM audit_leaves WHERE index >= 600',
        'DELETE FROM audit_checkpoints WHERE size > 600',
      ];
    },
    by: { anchor: 'the events 600 to 620 were removed' },
  },
  {
    deed: 'rewrites the tree and signs it with another key, as of a log of another name',
    sql: async () =>
      (await rewritten(signerNamed('other.example/log'))).map((it) =>
        it.replace(`VALUES ('${ORIGIN}'`, `VALUES ('other.example/log'`),
      ),
    by: {
      anchor: 'is one of 0 to 299',
      sequencer: 'signed by none of the keys that are trusted',
      verify: 'nothing was signed yet',
    },
  },
  {
    deed: 'edits an event that waits for its place',
    sql: [
      `UPDATE audit_events SET body = '\\x7b7d' WHERE id IN (SELECT event_id FROM audit_pending)`,
    ],
    by: {
      sequencer: 'is not what its hash is of',
    },
  },
  {
    deed: 'rewrites the tree and signs it with another key',
    sql: () => rewritten(signerNamed()),
    by: {
      anchor: 'is one of 0 to 299',
      sequencer: 'signed by none of the keys that are trusted',
      verify: '-: the checkpoint is signed by none of the keys that are trusted',
    },
  },
  {
    deed: 'rewrites the tree and signs it with the key itself',
    sql: () => rewritten(lab.key),
    by: {
      anchor: 'is one of 0 to 299',
      verify: '-: the first 500 events are not those of the older checkpoint',
    },
  },
  {
    deed: 'removes hashes of the tree',
    sql: ['DELETE FROM audit_nodes'],
    by: {
      anchor: 'is one of 0 to 299',
      inspection: 'its hash of them was removed',
      sequencer: 'the tile 1/0 has not 2 hashes',
      verify: 'no export',
    },
  },
  {
    deed: 'restores yesterday’s backup',
    sql: PUT_BACK,
    by: {
      anchor: 'the events 300 to 599 were removed, or the database was put back',
      verify: '-: the older checkpoint is of 500 events, and the log has 300',
    },
  },
  {
    deed: 'restores a backup while the anchor is away',
    sql: () => {
      vault.isAway = true;
      return Promise.resolve(PUT_BACK);
    },
    signedAfter: 300,
    by: {
      anchor: 'nothing is signed before these anchors were compared: vault',
      verify: '-: the older checkpoint is of 500 events, and the log has 300',
    },
  },
  {
    deed: 'restores a backup, and hides what the anchor has behind 20 foreign entries',
    sql: async () => {
      await putForeign();
      return PUT_BACK;
    },
    signedAfter: 300,
    by: {
      anchor: 'nothing is signed before these anchors were compared: vault',
      verify: '-: the older checkpoint is of 500 events, and the log has 300',
    },
  },
  {
    deed: 'restores a backup while the anchor’s file is not where it was',
    sql: async () => {
      await rename(join(folder, 'checkpoints'), join(folder, 'elsewhere'));
      return PUT_BACK;
    },
    signedAfter: 300,
    by: {
      anchor: 'nothing is signed before these anchors were compared: vault',
      verify: '-: the older checkpoint is of 500 events, and the log has 300',
    },
  },
  {
    deed: 'restores a backup, and hides what the anchor has behind eight megabytes',
    sql: async () => {
      await appendFile(join(folder, 'checkpoints'), '\nx'.repeat(4 * 1024 * 1024 + 10));
      return PUT_BACK;
    },
    signedAfter: 300,
    by: {
      anchor: 'nothing is signed before these anchors were compared: vault',
      verify: '-: the older checkpoint is of 500 events, and the log has 300',
    },
  },
  {
    deed: 'makes a fork that has reached the anchor',
    sql: forked,
    by: {
      anchor: 'is one of 300 to 499',
      verify: '-: the first 500 events are not those of the older checkpoint',
    },
  },
  {
    deed: 'empties all of it',
    sql: [
      'TRUNCATE audit_events, audit_pending, audit_leaves, audit_nodes, audit_checkpoints, audit_anchors CASCADE',
    ],
    by: {
      anchor: 'the events 0 to 599 were removed',
      verify: 'nothing was signed yet',
    },
  },
];

test('nobody says anything of a log that nobody has touched', async () => {
  expect(await caught()).toEqual({});
});

describe('an insider with all rights over the database who', () => {
  test.each(DEEDS)('$deed', async ({ sql, by, signedAfter }) => {
    await lab.asInsider(...(typeof sql === 'function' ? await sql() : sql));
    if (signedAfter !== undefined) await lab.write(1);
    expect(await caught()).toEqual(
      Object.fromEntries(
        Object.entries(by).map(([who, what]) => [who, expect.stringContaining(what) as string]),
      ),
    );
    if (signedAfter !== undefined) {
      expect((await lab.store.head(ORIGIN))?.size).toBe(signedAfter);
    }
  });
});

test('docs/audit.md says of each deed who finds it', async () => {
  const rows = (await readFile('docs/audit.md', 'utf8'))
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  for (const { deed, by } of DEEDS) {
    const who = (['sequencer', 'anchor', 'inspection', 'verify'] as const).map((it) =>
      by[it] === undefined ? '' : 'x',
    );
    expect(rows.find(([, told]) => told === deed)?.slice(2, 6), deed).toEqual(who);
  }
});
