import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';
import type { Recording as Mode, Way } from '../../domain/policy/policy.js';
import type { Problem } from '../../domain/problem.js';
import type {
  NewRecording,
  RecordingEnd,
  RecordingId,
  StreamKind,
} from '../../domain/recording/recording.js';
import type { SessionId } from '../../domain/session/session.js';

/** A part of a recording: lines of asciicast v3, compressed with gzip. Never changed once it is stored. */
export interface Chunk {
  /** From 1, without gaps. */
  readonly seq: number;
  /** When its last event was, in milliseconds since the recording began. */
  readonly untilMs: number;
  readonly bytes: Uint8Array;
  /** The chain's digest with this chunk (`domain/recording/digest.chain.ts`). */
  readonly digest: Uint8Array;
}

/** So many chunks are stored together, where they have come faster than they could be stored. */
export const CHUNKS_AT_ONCE_MAX = 4;

/** What is known of a recording besides its events. */
export interface RecordingInfo {
  readonly id: RecordingId;
  readonly session: SessionId;
  readonly kind: StreamKind;
  readonly way: Way;
  readonly person: Person;
  readonly mode: Mode;
  readonly header: string;
  readonly input: boolean;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly endedAt: Date | null;
  /** Null while it runs, and where its replica died. */
  readonly end: RecordingEnd | null;
  readonly isAbandoned: boolean;
  readonly chunks: number;
  /** Of the chunks as stored, in bytes. */
  readonly storedBytes: number;
  readonly digest: Uint8Array;
  readonly gaps: number;
  readonly keepUntil: Date | null;
  readonly isHeld: boolean;
  /** When its events were dropped, at the end of their time; the digests stay. */
  readonly droppedAt: Date | null;
}

/** A recording as far as its chunks need not be looked at. */
export interface RecordingHead {
  readonly id: RecordingId;
  readonly header: string;
  /** Nothing is added to it any more. */
  readonly hasEnded: boolean;
}

/** What `finish` writes. */
export interface FinishedRecording {
  readonly id: RecordingId;
  readonly at: Date;
  readonly end: RecordingEnd;
  readonly audit: AuditEntry;
}

/** Text that was on the screen of a recording, for searching. */
export interface ScreenLine {
  readonly atMs: number;
  readonly text: string;
}

export interface ScreenHit extends ScreenLine {
  readonly recording: RecordingId;
  readonly session: SessionId;
  readonly startedAt: Date;
  readonly line: number;
}

/** A place in a list of hits: newest recordings first, then by line. */
export interface HitCursor {
  readonly startedAt: Date;
  readonly recording: RecordingId;
  readonly line: number;
}

/** The one door to recordings. What changes one is written with its audit entry, in one transaction. */
export abstract class RecordingStore {
  /** @returns `too-many-streams` where `openMax` recordings of the session are open. Throws where it is not stored. */
  abstract open(args: {
    readonly id: RecordingId;
    readonly recording: NewRecording;
    readonly header: string;
    readonly at: Date;
    readonly replica: string;
    readonly audit: AuditEntry;
  }): Promise<'opened' | Problem>;

  /**
   * Stores chunks that follow each other, {@link CHUNKS_AT_ONCE_MAX} at most: all of them or none. Storing the same again
   * is a no-op. Throws where they are not stored, and {@link RecordingClosed} where they never will be, for the recording
   * has an end.
   */
  abstract append(id: RecordingId, chunks: readonly Chunk[]): Promise<void>;
  /** Counts a gap; the same entry once, however often it is given. */
  abstract gap(id: RecordingId, audit: AuditEntry): Promise<void>;
  /** Writes the end; nothing where it has one. @returns whether this call wrote it. */
  abstract finish(finished: FinishedRecording): Promise<boolean>;
  /**
   * The same of one whose last chunks may not be stored, which counts as a gap: with what is stored, when nothing can be
   * added any more.
   */
  abstract finishShort(
    finished: Omit<FinishedRecording, 'audit'> & {
      readonly audits: (stored: RecordingInfo) => readonly AuditEntry[];
    },
  ): Promise<boolean>;

  /** What the audit log says that there is of a recording which has ended; `undefined` where it knows of no end. */
  abstract sealed(
    id: RecordingId,
  ): Promise<{ readonly chunks: number; readonly digest: Uint8Array } | undefined>;

  /** Says that these are being written. */
  abstract beat(ids: readonly RecordingId[]): Promise<void>;
  /** Open ones of which nothing was heard for so long. */
  abstract silent(seconds: number, limit: number): Promise<RecordingInfo[]>;
  /**
   * Ends one that is still open and silent, with what is stored of it: nothing is, once it has ended.
   *
   * @param audit makes the entry of what is stored for good.
   * @returns whether this call ended it.
   */
  abstract abandon(
    id: RecordingId,
    silentSeconds: number,
    audit: (stored: RecordingInfo) => AuditEntry,
  ): Promise<boolean>;

  abstract find(id: RecordingId): Promise<RecordingInfo | undefined>;
  /** In the order in which they began. */
  abstract ofSession(session: SessionId): Promise<RecordingInfo[]>;
  /** The same in short, without these: what it costs grows with neither them nor the chunks. */
  abstract heads(session: SessionId, without: readonly RecordingId[]): Promise<RecordingHead[]>;
  /** Chunks after `after`, in order. */
  abstract chunks(id: RecordingId, after: number, limit: number): Promise<Chunk[]>;

  /** Keeps a recording beyond its time, or no longer. @returns whether it changed anything. */
  abstract hold(id: RecordingId, held: boolean, audit: AuditEntry): Promise<boolean>;
  /** Those whose time is over, and that nobody holds; those that were dropped and are not all gone yet. */
  abstract due(limit: number): Promise<RecordingInfo[]>;
  /**
   * Drops the events of a recording; refused by the database where its time is not over or somebody holds it. Throws
   * where not all of it is gone; it is due again then.
   *
   * @returns whether this call dropped it.
   */
  abstract drop(id: RecordingId, audit: AuditEntry): Promise<boolean>;

  /**
   * One that has ended, whose screen was not read yet, and that nobody has: of these the one that waits for longest. For
   * so long nobody else is given it.
   */
  abstract takeUnread(seconds: number): Promise<RecordingInfo | undefined>;
  /** Nobody else is given it for so long from now on. */
  abstract keepTaken(id: RecordingId, seconds: number): Promise<void>;
  /** Keeps all lines, or throws and keeps none; nothing where it has some. */
  abstract keepScreen(id: RecordingId, lines: readonly ScreenLine[]): Promise<void>;
  abstract screen(id: RecordingId, limit: number): Promise<ScreenLine[]>;
  abstract search(args: {
    readonly text: string;
    /** Only recordings of these sessions; null: of all. */
    readonly session: SessionId | null;
    readonly after?: HitCursor;
    readonly limit: number;
  }): Promise<ScreenHit[]>;

  /** Writes an act that changes nothing but is to be known: a reading, a search. */
  abstract note(audit: AuditEntry): Promise<void>;

  /** Calls `heard` when a recording of a session grew, began or ended, on any replica. News may be lost. */
  abstract subscribe(heard: (session: SessionId) => void): () => void;
}

/** A chunk for a recording that has its end: another replica took this one for dead. */
export class RecordingClosed extends Error {
  constructor(id: RecordingId) {
    super(`the recording ${id} has been ended by another replica`);
  }
}
