import type { Problem } from '../../domain/problem.js';
import type { Place } from './cluster.js';

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a process wrote, as it came: never split or joined to suit a text. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

/** How a process, or the stream into it, came to its end. */
export type ProcessEnd =
  | { readonly kind: 'exited'; readonly code: number }
  /**
   * Kubernetes ended the stream with a Status that tells no exit code: it never ran, or nobody knows. `tooEarly` where it
   * was entered `early` and its container turns out not to be there: it did not run, and may be tried again.
   */
  | { readonly kind: 'failed'; readonly detail: string; readonly tooEarly?: true }
  /** The stream broke off. The process may be running on (measured: kubernetes-mechanics of exec). */
  | { readonly kind: 'lost'; readonly detail: string };

export interface Exec {
  /** The program and its arguments; one element at least. */
  readonly command: readonly string[];
  /** A terminal: what the process writes to its standard error comes as `stdout`. */
  readonly tty: boolean;
  readonly stdin: boolean;
  /**
   * Whether the container may not have been made yet. Some API servers find that out only after they have taken the
   * stream: the answer then waits for a first sign of the process, for a moment.
   */
  readonly early?: boolean;
}

/** A process in a container, entered by exec. Memory is bounded in both directions: who is slow, slows the other down. */
export interface RemoteProcess {
  /** What it writes, in order, to the last byte; ends when nothing more will come. To be read once. */
  readonly output: AsyncIterable<OutputChunk>;
  /** Resolves after the last of `output` was handed out. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Resolves when there is room for more; `false` where it takes nothing any more. */
  write(data: Uint8Array): Promise<boolean>;
  /** Whether its standard input can be ended and nothing else: not where the API server speaks v4 alone (before 1.30). */
  readonly endsInput: boolean;
  /** Ends its standard input and nothing else. `false` where that cannot be, or it is over. */
  closeInput(): Promise<boolean>;
  resize(size: TerminalSize): Promise<boolean>;
  /** Cuts the stream at once. */
  close(): void;
}

/** What passes through the broker into a container and out of it. Expected refusals are values; bugs are thrown. */
export abstract class ClusterStreams {
  /**
   * Starts a process in the session's container. `signal` gives up, and cuts the stream later.
   *
   * @returns `container-not-ready` where there is nothing to enter yet, or any more: before the kubelet has made the
   * container it answers so, and the status that says running comes later than the first exec that succeeds
   * (measured: test/kubernetes-1.36, fact 6).
   */
  abstract exec(place: Place, exec: Exec, signal: AbortSignal): Promise<RemoteProcess | Problem>;
}
