import type { Place } from '../../src/app/ports/cluster.js';
import { ClusterStreams } from '../../src/app/ports/cluster.streams.js';
import type {
  Exec,
  OutputChunk,
  ProcessEnd,
  RemoteProcess,
  TerminalSize,
} from '../../src/app/ports/cluster.streams.js';
import type { Problem } from '../../src/domain/problem.js';
import { problem } from '../../src/domain/problem.js';

/** A process that says and does what a test makes it. */
export class PlayedProcess implements RemoteProcess {
  readonly sizes: TerminalSize[] = [];
  taken = '';
  isClosed = false;
  endsInput = true;
  private readonly waiting: OutputChunk[] = [];
  private readonly end = Promise.withResolvers<ProcessEnd>();
  private isOver = false;
  private wake: () => void = () => undefined;
  readonly ended = this.end.promise;

  constructor(readonly place: Place) {}

  get output(): AsyncIterable<OutputChunk> {
    return this.read();
  }

  say(chunk: OutputChunk): void {
    this.waiting.push(chunk);
    this.wake();
  }

  exit(code: number): void {
    this.finish({ kind: 'exited', code });
  }

  /** Kubernetes says late that the container is not there yet. */
  wasTooEarly(): void {
    this.finish({ kind: 'failed', detail: 'Kubernetes says "not found".', tooEarly: true });
  }

  break(): void {
    this.finish({ kind: 'lost', detail: 'It broke off.' });
  }

  write(data: Uint8Array): Promise<boolean> {
    this.taken += Buffer.from(data).toString();
    return Promise.resolve(!this.isOver);
  }

  closeInput(): Promise<boolean> {
    return Promise.resolve(this.endsInput);
  }

  resize(size: TerminalSize): Promise<boolean> {
    this.sizes.push(size);
    return Promise.resolve(true);
  }

  close(): void {
    this.isClosed = true;
    this.waiting.length = 0;
    this.break();
  }

  private finish(end: ProcessEnd): void {
    this.isOver = true;
    this.end.resolve(end);
    this.wake();
  }

  private async *read(): AsyncGenerator<OutputChunk, void, undefined> {
    for (;;) {
      const chunk = this.waiting.shift();
      if (chunk) yield chunk;
      else if (this.isOver) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

/** Streams whose processes a test plays. */
export class PlayedStreams extends ClusterStreams {
  readonly asked: Exec[] = [];
  readonly made: PlayedProcess[] = [];
  /** So many tries are answered that the container is not ready. */
  refusals = 0;
  /** Entering waits for it. */
  held: PromiseWithResolvers<undefined> | undefined;
  /** The same for the containers of these names. */
  readonly heldIn = new Map<string, Promise<undefined>>();
  private given = 0;
  private wake: () => void = () => undefined;

  async exec(place: Place, exec: Exec): Promise<RemoteProcess | Problem> {
    this.asked.push(exec);
    await this.heldIn.get(place.containerName);
    await this.held?.promise;
    if (this.refusals-- > 0) return problem('container-not-ready', 'Not yet.');
    const process = new PlayedProcess(place);
    this.made.push(process);
    this.wake();
    return process;
  }

  /** The next process that was entered. */
  async next(): Promise<PlayedProcess> {
    for (;;) {
      const process = this.made[this.given];
      if (process) {
        this.given++;
        return process;
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
