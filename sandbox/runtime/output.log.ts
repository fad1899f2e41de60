const bytesKept = 1024 * 1024;

/** The end of what a main process wrote. */
export class OutputLog {
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many bytes were ever written; the last `#length` of them are kept. */
  #written = 0;
  #closed = false;
  #waiting = new Set<() => void>();

  append(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#written += chunk.length;
    while (this.#length > bytesKept) {
      const first = this.#chunks[0] ?? Buffer.alloc(0);
      const excess = this.#length - bytesKept;
      if (first.length <= excess) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(excess);
      this.#length -= Math.min(first.length, excess);
    }
    this.#wake();
  }

  /** Nothing more will come. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  read(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** A reader slower than the writer by more than the log keeps misses the middle, as with rotated log files. */
  async *follow(signal: AbortSignal): AsyncGenerator<Buffer> {
    let position = this.#written - this.#length;
    while (!signal.aborted) {
      if (position < this.#written) {
        const missing = Math.min(this.#written - position, this.#length);
        position = this.#written;
        yield this.read().subarray(this.#length - missing);
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
