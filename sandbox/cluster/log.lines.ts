import type { LogEntry } from '../runtime/output.log.js';

/** Longer lines are kept in parts, and shown as soon as a part is full (containerd, CRI log format). */
const partBytesMax = 16 * 1024;
const newline = 0x0a;

/** A line with its end, or a part of one. */
export interface LogLine {
  at: Date;
  bytes: Buffer;
  /** False for the parts of a long line after its first. */
  begins: boolean;
}

/** Makes lines of what a process wrote at once. A line is as old as its end. */
export class LineCutter {
  #rest: Buffer[] = [];
  #restBytes = 0;
  #begins = true;

  take({ at, bytes }: LogEntry): LogLine[] {
    const lines: LogLine[] = [];
    let from = 0;
    while (from < bytes.length) {
      const found = bytes.indexOf(newline, from);
      const room = from + partBytesMax - this.#restBytes;
      const to = Math.min(found < 0 ? bytes.length : found + 1, room);
      this.#rest.push(bytes.subarray(from, to));
      this.#restBytes += to - from;
      from = to;
      if (to === found + 1 || this.#restBytes === partBytesMax)
        lines.push(this.#cut(at, to === found + 1));
    }
    return lines;
  }

  /** What is left without an end, once nothing more will come. */
  end(at: Date): LogLine[] {
    return this.#restBytes === 0 ? [] : [this.#cut(at, true)];
  }

  #cut(at: Date, isWhole: boolean): LogLine {
    const [only] = this.#rest;
    const bytes = only !== undefined && this.#rest.length === 1 ? only : Buffer.concat(this.#rest);
    const line = { at, bytes, begins: this.#begins };
    this.#begins = isWhole;
    this.#rest = [];
    this.#restBytes = 0;
    return line;
  }
}
