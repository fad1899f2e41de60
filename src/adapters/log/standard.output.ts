import { writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** So long is waited in all for whoever reads to take more, however many lines; then lines are lost until they do. */
const PATIENCE_MS = 1_000;
/** Of the time that goes by so much may be waited for them again: nobody who reads slowly slows down sessions. */
const PATIENCE_SHARE = 1 / 60;
const NAP_MS = 10;

/** Writes the beginning of these bytes, and says how many it was. */
export type WriteSome = (bytes: Uint8Array) => number;

/**
 * Where the log goes line by line. What cannot be written (a full disk, a pipe that nobody reads any more) is lost and
 * counted, and ends nothing: who is in a container must be got out of it, whether it can be told of or not.
 */
export class StandardOutput implements DestinationStream {
  private lost = 0;
  private isCut = false;
  private patienceMs = PATIENCE_MS;
  private calmedAtMs = performance.now();
  private tell: (lines: number) => void = () => undefined;

  constructor(private readonly writeSome: WriteSome = (bytes) => writeSync(1, bytes)) {}

  /** @param tell told how many lines were lost, when one is written again; may write one itself. */
  onWayBack(tell: (lines: number) => void): void {
    this.tell = tell;
  }

  write(line: string): void {
    if (!this.take(line)) {
      this.lost += 1;
      return;
    }
    if (this.lost === 0) return;
    const { lost } = this;
    this.lost = 0;
    this.tell(lost);
    // That could not be written either: those before are still to be told of.
    if (this.lost > 0) this.lost += lost;
  }

  /** @returns whether all of it was written. */
  private take(line: string): boolean {
    let rest: Uint8Array = Buffer.from(this.isCut ? `\n${line}` : line);
    const whole = rest.length;
    this.calmDown();
    while (rest.length > 0) {
      try {
        rest = rest.subarray(this.writeSome(rest));
      } catch (error) {
        if (!isBusy(error) || this.lost > 0 || this.patienceMs <= 0) {
          this.isCut ||= rest.length < whole;
          return false;
        }
        this.patienceMs -= NAP_MS;
        nap();
      }
    }
    this.isCut = false;
    return true;
  }

  private calmDown(): void {
    const nowMs = performance.now();
    const again = (nowMs - this.calmedAtMs) * PATIENCE_SHARE;
    this.patienceMs = Math.min(PATIENCE_MS, this.patienceMs + again);
    this.calmedAtMs = nowMs;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

function nap(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAP_MS);
}
