import type { LaunchedProcess } from './process.launcher.js';
import { atMost, type OutputListener, ProcessOutput } from './process.output.js';
import type { InputSink, ProcessStreams } from './process.streams.js';

/** One more process in a container. It goes on when nobody listens any more, and ends with the container. */
export class ExecProcess {
  /** The exit code, once the process has ended and its output is read to the end. Never rejects. */
  readonly exited: Promise<number>;
  readonly #output: ProcessOutput;

  constructor(
    private readonly streams: ProcessStreams,
    launched: LaunchedProcess,
    containerExited: Promise<unknown>,
  ) {
    const output = new ProcessOutput(streams.outputs);
    this.#output = output;
    // Whoever inherited the output (`sleep 100 &`) holds the stream open, as in a cluster.
    const forced = containerExited.then(() => {
      output.release();
      return atMost(1_000, output.ended);
    });
    this.exited = launched.exited.then(async (code) => {
      await Promise.race([output.ended, forced]);
      streams.destroy();
      return code;
    });
  }

  /** Undefined when it was started without one. */
  get input(): InputSink | undefined {
    return this.streams.input;
  }

  resize(columns: number, rows: number): void {
    this.streams.resize(columns, rows);
  }

  /** Gets all it writes when called at once: nothing is read before. Returns how to stop listening. */
  listen(listener: OutputListener): () => void {
    return this.#output.listen(listener);
  }
}
