import type { OutputChunk } from '../../app/ports/cluster.streams.js';

/** What waits is handed out together, up to so much: a terminal's output comes in many small chunks. */
const TOGETHER_BYTES_MAX = 32_768;
/** What a chunk takes besides its bytes: many small ones must not be many megabytes. */
const CHUNK_BYTES = 256;

export interface QueueMarks {
  /** From so much on, nothing more should come. */
  readonly fullBytes: number;
  /** Below so much, more may. */
  readonly roomBytes: number;
}

export const QUEUE_MARKS: QueueMarks = { fullBytes: 256 * 1024, roomBytes: 64 * 1024 };

/**
 * Output between the one who brings it and the one who reads it, in order, to the last byte. It takes whatever is
 * pushed, and says when to stop and when to go on. Small chunks of a stream that wait after each other become one.
 */
export class OutputQueue implements AsyncIterable<OutputChunk> {
  private readonly chunks: OutputChunk[] = [];
  private first = 0;
  private bytes = 0;
  private isFull = false;
  private isOver = false;
  private reader: ((result: IteratorResult<OutputChunk, undefined>) => void) | undefined;
  private readonly empty = Promise.withResolvers<undefined>();

  constructor(
    private readonly heard: {
      readonly onFull: () => void;
      readonly onRoom: () => void;
      /** The reader wants no more. */
      readonly onLeft: () => void;
    },
    private readonly marks: QueueMarks = QUEUE_MARKS,
  ) {}

  /** Resolves when it is over and its last chunk was handed out, or what was left was dropped. */
  get drained(): Promise<undefined> {
    return this.empty.promise;
  }

  /** What waits, in bytes as this counts them. */
  get waitingBytes(): number {
    return this.bytes;
  }

  push(chunk: OutputChunk): void {
    if (this.isOver || chunk.data.length === 0) return;
    if (this.reader) {
      const { reader } = this;
      this.reader = undefined;
      reader({ done: false, value: chunk });
      return;
    }
    this.chunks.push(chunk);
    this.bytes += chunk.data.length + CHUNK_BYTES;
    if (!this.isFull && this.bytes >= this.marks.fullBytes) {
      this.isFull = true;
      this.heard.onFull();
    }
  }

  /** Nothing more will come. */
  finish(): void {
    this.isOver = true;
    if (this.chunks.length > this.first) return;
    this.reader?.(DONE);
    this.reader = undefined;
    this.empty.resolve(undefined);
  }

  /** Drops what waits; the reader comes to its end at once. */
  drop(): void {
    this.chunks.length = 0;
    this.first = 0;
    this.bytes = 0;
    this.finish();
  }

  [Symbol.asyncIterator](): AsyncIterator<OutputChunk, undefined> {
    return {
      next: () => this.next(),
      return: () => {
        this.drop();
        this.heard.onLeft();
        return Promise.resolve(DONE);
      },
    };
  }

  private next(): Promise<IteratorResult<OutputChunk, undefined>> {
    const chunk = this.take();
    if (chunk) return Promise.resolve({ done: false, value: this.together(chunk) });
    if (this.isOver) {
      this.empty.resolve(undefined);
      return Promise.resolve(DONE);
    }
    return new Promise((resolve) => (this.reader = resolve));
  }

  private together(first: OutputChunk): OutputChunk {
    const parts = [first.data];
    let bytes = first.data.length;
    for (let next = this.waiting; next?.stream === first.stream; next = this.waiting) {
      bytes += next.data.length;
      if (bytes > TOGETHER_BYTES_MAX) break;
      parts.push(next.data);
      this.take();
    }
    return parts.length === 1 ? first : { stream: first.stream, data: Buffer.concat(parts) };
  }

  private get waiting(): OutputChunk | undefined {
    return this.chunks[this.first];
  }

  private take(): OutputChunk | undefined {
    const chunk = this.waiting;
    if (!chunk) return undefined;
    this.first++;
    this.bytes -= chunk.data.length + CHUNK_BYTES;
    if (this.first === this.chunks.length) {
      this.chunks.length = 0;
      this.first = 0;
      if (this.isOver) this.empty.resolve(undefined);
    } else if (this.first >= 1_024) {
      this.chunks.splice(0, this.first);
      this.first = 0;
    }
    if (this.isFull && this.bytes < this.marks.roomBytes) {
      this.isFull = false;
      this.heard.onRoom();
    }
    return chunk;
  }
}

const DONE = { done: true, value: undefined } as const;
