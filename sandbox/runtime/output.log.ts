const bytesKept = 1024 * 1024;

/** What was written at once, and when. */
export interface LogEntry {
  readonly at: Date;
  readonly bytes: Buffer;
}

/** The end of what a main process wrote. */
export class OutputLog {
  #entries: LogEntry[] = [];
  #length = 0;
  /** How many entries are no longer kept. */
  #dropped = 0;
  #closed = false;
  #waiting = new Set<() => void>();

  append(bytes: Buffer): void {
    this.#entries.push({ at: new Date(), bytes });
    this.#length += bytes.length;
    let gone = 0;
    while (this.#length > bytesKept) {
      const first = this.#entries[gone];
      if (first === undefined) break;
      const excess = this.#length - bytesKept;
      if (first.bytes.length <= excess) gone++;
      else this.#entries[gone] = { at: first.at, bytes: first.bytes.subarray(excess) };
      this.#length -= Math.min(first.bytes.length, excess);
    }
    this.#entries.splice(0, gone);
    this.#dropped += gone;
    this.#wake();
  }

  /** Nothing more will come. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  read(): Buffer {
    return Buffer.concat(this.#entries.map(({ bytes }) => bytes));
  }

  entries(): readonly LogEntry[] {
    return [...this.#entries];
  }

  /**
   * What is kept, unless `onlyNew`, then what comes after this call. A reader slower than the writer by more than the log
   * keeps misses the middle, as with rotated log files.
   */
  follow(signal: AbortSignal, { onlyNew = false } = {}): AsyncIterable<LogEntry> {
    return this.#follow(signal, this.#dropped + (onlyNew ? this.#entries.length : 0));
  }

  async *#follow(signal: AbortSignal, from: number): AsyncGenerator<LogEntry> {
    let position = from;
    while (!signal.aborted) {
      position = Math.max(position, this.#dropped);
      const entry = this.#entries[position - this.#dropped];
      if (entry !== undefined) {
        position++;
        yield entry;
      } else if (this.#closed) return;
      else await this.#change(signal);
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
