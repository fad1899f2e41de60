import type { Actor } from '../../domain/person.js';
import type { Problem } from '../../domain/problem.js';
import type {
  CopiedFile,
  NewRecording,
  RecordingEnd,
  RecordingId,
} from '../../domain/recording/recording.js';
import type { TerminalSize } from './cluster.streams.js';

/**
 * The recording of one stream while it runs. Each call records before it returns; what it returns is a promise only
 * where the caller must wait before it goes on (the store is slower than the stream), so that memory stays bounded.
 */
export interface StreamRecording {
  readonly id: RecordingId;
  output(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> | undefined;
  /** Nothing is kept unless the recording was opened with `input`. */
  input(data: Uint8Array): Promise<void> | undefined;
  resize(size: TerminalSize): void;
  /** A mark that players show: a notice, a move to another container, somebody who began to watch. */
  mark(text: string): void;
  copied(file: CopiedFile): void;
  /** What to wait for where the store is slower than the stream: of those calls that return nothing, for whoever makes many. */
  readonly room: Promise<void> | undefined;
  /** Whether somebody watches, on whichever replica: what passes is then stored sooner, where they find it. */
  watched(isWatched: boolean): void;
  /**
   * Resolves, once, where a strict recording cannot go on: nothing more may be shown. Also where it is finished, and not
   * all of it could be stored. Never rejects.
   */
  readonly failed: Promise<string>;
  /** Resolves when it is finished and nothing more of it will be stored; `failed` has resolved before where it does. */
  readonly stored: Promise<undefined>;
  /** Writes what is left, the end and the final digest. Resolves also where that fails: another replica takes it up. */
  finish(end: RecordingEnd): Promise<void>;
}

/** Opens recordings. */
export abstract class Recorder {
  /**
   * Writes that the recording begins, with its audit event, before anything is shown.
   *
   * @param gapped told whenever what is shown from now on is not recorded, until the store is back: at best effort only.
   * @returns `too-many-streams` where as many are open as terms allow; `recording-unavailable` where the store does not
   * take it, whatever the mode: of such a stream there would be no trace.
   */
  abstract open(
    recording: NewRecording,
    by: Actor,
    gapped?: () => void,
  ): Promise<StreamRecording | Problem>;
}
