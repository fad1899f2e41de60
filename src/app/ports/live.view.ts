import type { RecordingId } from '../../domain/recording/recording.js';
import type { SessionId } from '../../domain/session/session.js';

/** A line of a recording in asciicast v3, without its line feed: the header, then events. */
export interface LiveLine {
  readonly recording: RecordingId;
  readonly line: string;
}

/** What is being shown in a session, on whichever replica. */
export abstract class LiveView {
  /**
   * The lines of all recordings of the session that are open or will be, each from its header on, as they are
   * recorded; those of several recordings mixed. Ends when `signal` aborts, without an error. Reading slowly is no
   * burden to the session.
   */
  abstract follow(session: SessionId, signal: AbortSignal): AsyncIterable<LiveLine>;
}
