import { createHash } from 'node:crypto';
import { EvidenceRecord } from '../contract/evidence.schema.js';
import { canonicalJson } from '../domain/audit/canonical.js';
import { textOf, within } from '../domain/audit/logged.event.js';
import {
  ARCHIVE_FILES,
  castFile,
  eventFile,
  policyFile,
} from '../domain/evidence/archive.names.js';
import { toldContainers } from '../domain/evidence/told.containers.js';
import { disagreements } from './evidence.agreement.js';
import type { EvidenceCase } from './verify-evidence.js';

/** What is known of an archive whose contents were checked. */
export interface KnownContents {
  readonly session: string | null;
  readonly takenAt: string | null;
  /** How many are in it and are what their events say. */
  readonly recordings: number;
}

/** That the files say what the events say: the events are what is signed. */
export function checkContents(found: EvidenceCase): KnownContents {
  const { reader, events, wrong } = found;
  const session = textOf(events.at(-1)?.fields ?? {}, 'session') ?? null;
  for (const { index, fields } of events) {
    if (textOf(fields, 'session') !== session) {
      wrong(eventFile(index), `is not of the session ${session ?? ''}`);
    }
  }
  checkContainers(found);
  checkPolicyTexts(found);
  const record = recordIn(reader.files.get(ARCHIVE_FILES.session));
  if (record === undefined) {
    wrong(ARCHIVE_FILES.session, 'is not of the form that it should have');
    return { session, takenAt: null, recordings: 0 };
  }
  for (const what of disagreements(record, found)) wrong(ARCHIVE_FILES.session, what);
  for (const { version, isGiven } of record.policies) {
    if (!isGiven) found.note(`The text of the policy version ${version} is not in it.`);
    else if (!reader.names.has(policyFile(version))) wrong(policyFile(version), 'is missing');
  }
  if (!record.isOver) found.note(`The session was not over: it was ${record.session.state}.`);
  const recordings = record.recordings.filter((it) => checkRecording(it, found)).length;
  return { session, takenAt: record.takenAt, recordings };
}

function recordIn(text: Buffer | undefined): EvidenceRecord | undefined {
  try {
    return EvidenceRecord.safeParse(JSON.parse(text?.toString('utf8') ?? '')).data;
  } catch {
    return undefined;
  }
}

/** The containers file tells nothing but what the events tell, and each spec is what its digest is of. */
function checkContainers({ reader, events, wrong }: EvidenceCase): void {
  const name = ARCHIVE_FILES.containers;
  const text = reader.files.get(name)?.toString('utf8');
  if (text === undefined) return;
  const told = toldContainers(events);
  if (text !== `${JSON.stringify(told, null, 2)}\n`) {
    wrong(name, 'does not say what the events say of the containers');
  }
  for (const { intent, spec, sha256 } of told) {
    if (spec !== null && sha256Of(canonicalJson(spec)) !== sha256) {
      wrong(eventFile(intent), 'has a container spec that its digest is not of');
    }
  }
}

/** A policy text is named by the hash that decisions name. */
function checkPolicyTexts({ reader, wrong }: EvidenceCase): void {
  for (const [name, known] of reader.names) {
    if (known.kind === 'policy' && reader.sums.get(name) !== known.hash) {
      wrong(name, 'is not the policy text of that version: its hash is another');
    }
  }
}

/** @returns whether it is in the archive and is what its events say. */
function checkRecording(
  recording: EvidenceRecord['recordings'][number],
  { reader, told, events, wrong, note }: EvidenceCase,
): boolean {
  const { id, given, digest, chunks, endedAt } = recording;
  const name = castFile(id);
  const read = reader.recording(id);
  const sealed = told.find((it) => it.recording === id);
  if (given !== 'whole') {
    const isDropped = events.some(
      ({ fields }) =>
        textOf(fields, 'action') === 'recording.dropped' &&
        textOf(within(fields, 'data'), 'recording') === id,
    );
    if (given === 'broken') wrong(name, 'is left out: what was stored is not what its digests say');
    else if (given === 'dropped' && !isDropped)
      wrong(name, 'is said to be dropped, and no event says so');
    else note(`The recording ${id} is not in it (${given}).`);
    return false;
  }
  if (read?.chain === undefined || read.cast === undefined) {
    wrong(name, 'or what it was made from is missing');
    return false;
  }
  if (sealed === undefined && endedAt === null) {
    note(`The recording ${id} had not ended: no event holds its digest yet.`);
  } else if (sealed?.digest !== digest || sealed.chunks !== chunks) {
    wrong(name, 'has another digest than the event of its end');
    return false;
  }
  if (read.chain.toString('hex') !== digest || read.chunks !== chunks) {
    wrong(name, 'was made from other chunks than those that were stored');
    return false;
  }
  if (read.unpacked !== read.cast) {
    wrong(name, 'is not what its chunks hold');
    return false;
  }
  return true;
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
