import type { Readable } from 'node:stream';

export const stdoutChannel = 1;
export const stderrChannel = 2;
export type OutputChannel = typeof stdoutChannel | typeof stderrChannel;

export interface InputSink {
  /** Resolves when the process's pipe or terminal has taken the bytes, or when there is nobody left to take them. */
  write(chunk: Buffer): Promise<void>;
  /** End of file for the process. A terminal has no end of file: nothing happens. */
  end(): Promise<void>;
}

/** The three standard streams of a process, seen from here: real pipes, or a real terminal. */
export interface ProcessStreams {
  /** What to give the process as 0, 1 and 2. */
  readonly childEnds: readonly [number, number, number];
  /** To be called once the process has its ends: otherwise their closing would never be seen here. */
  releaseChildEnds(): void;
  readonly input: InputSink | undefined;
  /** They end when every process that holds the other end is gone. Errors are taken as the end. */
  readonly outputs: readonly { channel: OutputChannel; stream: Readable }[];
  resize(columns: number, rows: number): void;
  destroy(): void;
}
