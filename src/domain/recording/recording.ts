import { randomBytes } from 'node:crypto';
import type { Session } from '../session/session.js';
import type { Person } from '../person.js';
import type { Recording as Mode, Way } from '../policy/policy.js';

declare const brand: unique symbol;
/** 16 characters of lower-case Crockford base 32, as session ids are. */
export type RecordingId = string & { readonly [brand]: 'RecordingId' };

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
export const RECORDING_ID = /^[0-9a-hjkmnp-tv-z]{16}$/;

/** A new, unguessable id. */
export function newRecordingId(): RecordingId {
  return [...randomBytes(16)].map((byte) => ALPHABET.charAt(byte & 31)).join('') as RecordingId;
}

/** The id in `text`, or `undefined` where it is none. */
export function parseRecordingId(text: string): RecordingId | undefined {
  return RECORDING_ID.test(text) ? (text as RecordingId) : undefined;
}

/**
 * What one stream through the broker is. `terminal`: a shell with a terminal; `exec`: one command; `copy`: files, of
 * which names, sizes and digests are recorded; `forward`: ports; `logs`: a container's log.
 */
export const STREAM_KINDS = ['terminal', 'exec', 'copy', 'forward', 'logs'] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

/** One stream of a session as it is to be recorded. */
export interface NewRecording {
  readonly session: Session;
  readonly kind: StreamKind;
  readonly way: Way;
  readonly person: Person;
  readonly mode: Mode;
  /** What runs; for people and for the recording's header. */
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Whether what is typed is recorded too. */
  readonly input: boolean;
  readonly keepSeconds: number;
  /** How many recordings of the session may be open at once, this one included. */
  readonly openMax: number;
}

/** How a recorded stream ended. `exitCode` is the process's own, where it is known. */
export interface RecordingEnd {
  readonly exitCode: number | null;
  /** One word or clause for people: `exited`, `the session ended`, `the connection broke`. */
  readonly why: string;
}

/** A file that passed in a copy. */
export interface CopiedFile {
  readonly direction: 'upload' | 'download';
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
}
