import type { Readable } from 'node:stream';
import type { OutputChannel, ProcessStreams } from './process.streams.js';

/** Gets what comes from now on. A promise holds the output back until it resolves. */
export type OutputListener = (channel: OutputChannel, chunk: Buffer) => Promise<void> | undefined;

/** What a process writes, for whoever listens at the moment. Without a listener it is read as well, and dropped. */
export class ProcessOutput {
  readonly #listeners = new Set<OutputListener>();
  #isRead = false;
  #isReleased = false;
  /** Resolves when nothing more can come. */
  readonly ended: Promise<void>;

  constructor(private readonly outputs: ProcessStreams['outputs']) {
    this.ended = Promise.all(outputs.map(({ stream }) => endOf(stream))).then(() => undefined);
  }

  /** Nothing is read before the first call. Returns how to stop listening. */
  listen(listener: OutputListener): () => void {
    this.#listeners.add(listener);
    if (!this.#isRead) this.#read();
    return () => this.#listeners.delete(listener);
  }

  /**
   * From now on no listener holds the output back. For when all that could write are gone: what is left is what the
   * pipes hold, and may be lost if it is not read soon.
   */
  release(): void {
    this.#isReleased = true;
    for (const { stream } of this.outputs) stream.resume();
  }

  #read(): void {
    this.#isRead = true;
    for (const { channel, stream } of this.outputs) {
      stream.on('data', (chunk: Buffer) => this.#take(channel, stream, chunk));
    }
  }

  #take(channel: OutputChannel, stream: Readable, chunk: Buffer): void {
    const slow = [...this.#listeners].flatMap((listener) => listener(channel, chunk) ?? []);
    if (slow.length === 0 || this.#isReleased) return;
    stream.pause();
    void Promise.all(slow).then(() => stream.resume());
  }
}

/** The end of a stream, its failure included. */
function endOf(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) return resolve();
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
}

export async function atMost(milliseconds: number, ...events: Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  await Promise.race([limit, Promise.all(events)]);
  clearTimeout(timer);
}
