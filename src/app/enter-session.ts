import type { Problem } from '../domain/problem.js';
import type { RecordingId, StreamKind } from '../domain/recording/recording.js';
import type { Way } from '../domain/policy/policy.js';
import type { EndReason } from '../domain/session/session.machine.js';
import type { SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import type { OutputChunk, TerminalSize } from './ports/cluster.streams.js';

/** What somebody wants to do in their session's container. */
export interface Entry {
  readonly session: SessionId;
  readonly kind: Extract<StreamKind, 'terminal' | 'exec' | 'copy'>;
  readonly way: Way;
  /** Null: the profile's shell, kept by its multiplexer where the image has it. */
  readonly command: readonly string[] | null;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly size: TerminalSize;
  /** The direction of a copy that is recorded by its files. */
  readonly copy?: 'upload' | 'download';
}

/** Something to tell the one at the terminal, which is no output of what runs there. */
export interface Notice {
  readonly kind:
    | 'begin'
    | 'deadline'
    | 'watched'
    | 'unwatched'
    | 'paused'
    | 'resumed'
    | 'moved'
    | 'idle'
    | 'gap'
    | 'stopping';
  /** One sentence. */
  readonly text: string;
}

/** Why a stream is over. */
export type StreamEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'session-over'; readonly reason: EndReason | null; readonly detail: string }
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** The way to the container broke; the session goes on, and may be entered again. */
  | { readonly kind: 'lost'; readonly detail: string }
  | { readonly kind: 'left' }
  /** This replica is being stopped; another one takes the next entry. */
  | { readonly kind: 'shutdown' };

/** A stream into the container, on the record. What is read of it has been recorded. */
export interface OpenStream {
  readonly recording: RecordingId;
  /** To be read once, to its end; reading slowly slows the process down. */
  readonly output: AsyncIterable<OutputChunk>;
  readonly notices: AsyncIterable<Notice>;
  readonly ended: Promise<StreamEnd>;
  write(data: Uint8Array): Promise<boolean>;
  closeInput(): Promise<boolean>;
  resize(size: TerminalSize): Promise<boolean>;
  /** Leaves: the stream is over, the session is not. */
  leave(): void;
}

/** `enter`: opens a stream into a session's container, on the record, for as long as session and terms allow. */
export abstract class EnterSession {
  /**
   * Waits for a session that is approved or starting; for the rest see the problems.
   *
   * @returns `not-found` where the caller is not the session's requester; `not-running` where it waits for consents or
   * is over; `way-not-allowed` where its terms leave the way out; `too-many-streams`; `recording-unavailable`;
   * `container-not-ready` where the container could not be entered in time; `replica-stopping` where another replica
   * is to be asked.
   */
  abstract enter(caller: Caller, entry: Entry, signal: AbortSignal): Promise<OpenStream | Problem>;
}
