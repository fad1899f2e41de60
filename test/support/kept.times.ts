import type { Durations } from '../../src/app/ports/stopwatch.js';
import { Stopwatch } from '../../src/app/ports/stopwatch.js';

/** A stopwatch that keeps what it was told. */
export class KeptTimes extends Stopwatch {
  readonly all: { what: keyof Durations; seconds: number; labels: object }[] = [];

  took<What extends keyof Durations>(what: What, seconds: number, labels: Durations[What]): void {
    this.all.push({ what, seconds, labels });
  }
}
