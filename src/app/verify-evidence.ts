import { createHash } from 'node:crypto';
import type { TreeHead } from '../domain/audit/checkpoint.js';
import { openCheckpoint } from '../domain/audit/checkpoint.js';
import type { RecordingTold } from '../domain/audit/event.examiner.js';
import { EventExaminer } from '../domain/audit/event.examiner.js';
import type { LoggedEvent } from '../domain/audit/logged.event.js';
import { loggedEvent, textOf, within } from '../domain/audit/logged.event.js';
import { HASH_BYTES, leafHashOf } from '../domain/audit/merkle.tree.js';
import type { VerifierKey } from '../domain/audit/signed.note.js';
import { checkProof, readProof } from '../domain/audit/tlog.proof.js';
import {
  ARCHIVE_FILES,
  droppedFile,
  eventFile,
  proofFile,
} from '../domain/evidence/archive.names.js';
import { readSums } from '../domain/evidence/sums.file.js';
import { checkContents } from './evidence.contents.js';
import { EvidenceReader } from './evidence.reader.js';
import type { ArchiveEntry } from './ports/archives.js';

/** What was found wrong: with a file of the archive, or with the whole. */
export interface EvidenceFinding {
  readonly file: string | null;
  readonly what: string;
}

/** What was looked at, and what was found: the first of each file. All is well where `findings` is empty. */
export interface EvidenceVerification {
  readonly head: TreeHead | null;
  /** The names and ids of the keys that had signed it. */
  readonly keys: readonly string[];
  readonly session: string | null;
  readonly takenAt: string | null;
  readonly events: number;
  /** Events whose bodies were dropped at the end of their time. */
  readonly dropped: number;
  readonly recordings: number;
  /** What is not in it, and is said not to be. */
  readonly notes: readonly string[];
  readonly findings: readonly EvidenceFinding[];
}

/** What the checks of an archive share. */
export interface EvidenceCase {
  readonly reader: EvidenceReader;
  /** Those that can be read, in the order of their places; the last is the taking of the evidence. */
  readonly events: readonly LoggedEvent[];
  readonly dropped: number;
  readonly told: readonly RecordingTold[];
  readonly wrong: (file: string | null, what: string) => void;
  readonly note: (what: string) => void;
}

/**
 * Verifies an archive of evidence by itself, offline: that every event in it is in the log that the checkpoint signs, that
 * nothing between is missing, that the log vouches for each file, and that the files say what the events say.
 */
export async function verifyEvidence(args: {
  readonly archive: AsyncIterable<ArchiveEntry>;
  readonly verifiers: readonly VerifierKey[];
  readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
  /** A checkpoint that was put by before, if there is one. */
  readonly olderNote?: string;
  readonly progress?: (files: number) => void;
}): Promise<EvidenceVerification> {
  const findings = new Map<string | null, EvidenceFinding>();
  const notes: string[] = [];
  const wrong = (file: string | null, what: string) => {
    if (!findings.has(file)) findings.set(file, { file, what });
  };
  const note = (what: string) => void notes.push(what);
  const reader = new EvidenceReader(args.decompress, wrong);
  await reader.read(args.archive, args.progress);
  for (const name of Object.values(ARCHIVE_FILES)) {
    if (!reader.names.has(name)) wrong(name, 'is missing');
  }
  const head = checkHead(reader, args, { wrong, note });
  const { events, dropped, told } = checkEvents(reader, args.verifiers, wrong);
  const found: EvidenceCase = { reader, events, dropped, told, wrong, note };
  checkSums(found);
  const known = checkContents(found);
  return {
    head: head ?? null,
    keys: head?.keys.map(({ name, id }) => `${name} (${id})`) ?? [],
    session: known.session,
    takenAt: known.takenAt,
    events: events.length,
    dropped,
    recordings: known.recordings,
    notes,
    findings: [...findings.values()],
  };
}

type Wrong = EvidenceCase['wrong'];

function checkHead(
  reader: EvidenceReader,
  {
    verifiers,
    olderNote,
  }: { readonly verifiers: readonly VerifierKey[]; readonly olderNote?: string },
  { wrong, note }: Pick<EvidenceCase, 'wrong' | 'note'>,
) {
  const signed = reader.files.get(ARCHIVE_FILES.checkpoint);
  if (signed === undefined) return undefined;
  const head = openCheckpoint(signed.toString('utf8'), verifiers);
  if (typeof head === 'string') {
    wrong(ARCHIVE_FILES.checkpoint, head);
    return undefined;
  }
  const older = olderNote === undefined ? undefined : openCheckpoint(olderNote, verifiers);
  if (typeof older === 'string') wrong(null, `the older checkpoint ${older}`);
  else if (older && older.origin !== head.origin) {
    wrong(ARCHIVE_FILES.checkpoint, `is of another log than the older one, ${older.origin}`);
  } else if (older && older.size > head.size) {
    wrong(
      ARCHIVE_FILES.checkpoint,
      `is of ${head.size} events, and the older one of ${older.size}: the end of the log was cut off, or this is older`,
    );
  } else if (older?.size === head.size && !older.root.equals(head.root)) {
    wrong(ARCHIVE_FILES.checkpoint, 'is of other events than the older one of the same size');
  } else if (older && older.size < head.size) {
    note(
      `It is not shown that the log goes on from the older checkpoint of ${older.size} events: verify an export for that.`,
    );
  }
  return head;
}

/** Each event by its proof, and all in their order. */
function checkEvents(reader: EvidenceReader, verifiers: readonly VerifierKey[], wrong: Wrong) {
  const examiner = new EventExaminer();
  const checkpoint = reader.files.get(ARCHIVE_FILES.checkpoint)?.toString('utf8');
  const sums = readSums(reader.files.get(ARCHIVE_FILES.sums)?.toString('utf8') ?? '');
  const events: LoggedEvent[] = [];
  let dropped = 0;
  for (const index of placesIn(reader)) {
    const [name, gone] = [eventFile(index), droppedFile(index)];
    const body = reader.files.get(name);
    const told = reader.files.get(gone);
    if (body && told) wrong(gone, 'is said to be dropped, and is there');
    const leaf = body ? leafHashOf(body) : told && hashIn(told);
    if (leaf === undefined) {
      wrong(told ? gone : name, told ? 'is no hash' : 'is missing, and its proof is there');
      examiner.skip(index);
      dropped += 1;
      continue;
    }
    const file = body ? name : gone;
    const listed = sums?.get(file);
    checkPlace(reader, { index, leaf, file, checkpoint, listed, verifiers }, wrong);
    if (body === undefined) {
      dropped += 1;
      examiner.skip(index);
      continue;
    }
    const what = examiner.take(body, index);
    if (what !== undefined) wrong(name, what);
    const event = eventIn(index, body);
    if (event) events.push(event);
  }
  return { events, dropped, told: examiner.recordings };
}

function placesIn({ names }: EvidenceReader): number[] {
  const places = new Set<number>();
  for (const known of names.values()) if ('index' in known) places.add(known.index);
  return [...places].sort((a, b) => a - b);
}

function checkPlace(
  reader: EvidenceReader,
  of: {
    readonly index: number;
    readonly leaf: Buffer;
    readonly file: string;
    readonly checkpoint: string | undefined;
    readonly listed: string | undefined;
    readonly verifiers: readonly VerifierKey[];
  },
  wrong: Wrong,
): void {
  const name = proofFile(of.index);
  const proof = reader.files.get(name)?.toString('utf8');
  if (proof === undefined) {
    wrong(name, 'is missing: nothing shows that its event is in the log');
    return;
  }
  const read = readProof(proof);
  if (read === undefined) wrong(name, 'is no proof of a log');
  else if (read.index !== of.index) wrong(name, `is of the place ${read.index}`);
  else if (read.checkpoint !== of.checkpoint) wrong(name, 'is under another checkpoint');
  else {
    const placed = checkProof(proof, of.leaf, of.verifiers);
    if (typeof placed !== 'string') return;
    // Where the list of files has this very event, it is the proof that is not as it was.
    const isListed = reader.sums.get(of.file) === of.listed;
    if (isListed || !placed.startsWith('does not lead')) wrong(name, placed);
    else wrong(of.file, 'is not what the log has in its place, or its proof was changed');
  }
}

/** That the log vouches for the list of files, and the list for the files. */
function checkSums({ reader, events, wrong }: EvidenceCase): void {
  const text = reader.files.get(ARCHIVE_FILES.sums);
  const taking = events.at(-1);
  if (text === undefined) return;
  if (taking === undefined || textOf(taking.fields, 'action') !== 'session.evidence') {
    wrong(
      null,
      'the event of the taking of this evidence is missing: nothing vouches for the files',
    );
    return;
  }
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (textOf(within(taking.fields, 'data'), 'sums') !== sha256) {
    wrong(ARCHIVE_FILES.sums, `is not the list that event ${taking.index} vouches for`);
  }
  const sums = readSums(text.toString('utf8'));
  if (sums === undefined) {
    wrong(ARCHIVE_FILES.sums, 'is no list of digests');
    return;
  }
  for (const [name, sum] of sums) {
    const has = reader.sums.get(name);
    if (has === undefined) wrong(name, 'is missing');
    else if (has !== sum) wrong(name, 'is not the file that the log vouches for: it was changed');
  }
  const { sums: own, checkpoint } = ARCHIVE_FILES;
  const unlisted = new Set<string>([own, checkpoint, eventFile(taking.index)]);
  for (const [name, known] of reader.names) {
    if (sums.has(name) || unlisted.has(name) || known.kind === 'proof') continue;
    wrong(name, 'was put into the archive: the log does not vouch for it');
  }
}

function hashIn(text: Buffer): Buffer | undefined {
  const hash = Buffer.from(text.toString('latin1').trim(), 'hex');
  return hash.length === HASH_BYTES ? hash : undefined;
}

function eventIn(index: number, body: Buffer): LoggedEvent | undefined {
  try {
    return loggedEvent(index, body);
  } catch {
    // The examiner has said so.
    return undefined;
  }
}
