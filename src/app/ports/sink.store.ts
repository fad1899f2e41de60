import type { AuditEntry } from '../../domain/audit/entry.js';

/** An event that a sink refuses for good. */
export interface DeadLetter {
  readonly index: number;
  readonly reason: string;
}

/** How a sink stands, for all replicas together. */
export interface SinkStanding {
  readonly name: string;
  /** The place of the event that is delivered next. */
  readonly next: number;
  /** Events that have a place and were not delivered. */
  readonly lagEvents: number;
  /** How long the oldest of them has been waiting, from its own time on; 0 where none is. */
  readonly lagSeconds: number;
  /** Those that it has not taken since. */
  readonly deadLetters: number;
  /** Those of them that are to be delivered again. */
  readonly replaying: number;
  readonly failingSince: Date | null;
  /** What was wrong last, in words for whoever may read the log; it may be over. */
  readonly lastError: { readonly words: string; readonly at: Date } | null;
}

/** How far each sink is. Cursors outlive replicas, and only go forward. */
export abstract class SinkStore {
  /**
   * Takes a sink for so many seconds, or keeps it: one holder at a time has it. A sink that is new begins at the first
   * event.
   *
   * @returns the place that is next; undefined where another holder has it.
   */
  abstract claim(name: string, holder: string, seconds: number): Promise<number | undefined>;
  /**
   * Moves the cursor, puts by what was refused, and writes the event of that where there is one, in one transaction.
   *
   * @returns false, with nothing written, where the holder has it no more or the cursor is elsewhere.
   */
  abstract advance(args: {
    readonly name: string;
    readonly holder: string;
    readonly from: number;
    readonly to: number;
    readonly dead: readonly DeadLetter[];
    readonly told?: AuditEntry;
  }): Promise<boolean>;
  /** Since when it fails stays what it was. */
  abstract failing(name: string, holder: string, words: string): Promise<void>;
  /** Gives a sink up, so that another replica need not wait. */
  abstract release(name: string, holder: string): Promise<void>;
  abstract standings(names: readonly string[]): Promise<SinkStanding[]>;
}
