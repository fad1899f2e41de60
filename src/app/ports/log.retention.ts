import type { AuditEntry } from '../../domain/audit/entry.js';

/** What is looked at in one go, and who must have an event before its body may go. */
export interface RetentionSlice {
  readonly begin: number;
  readonly count: number;
  readonly keepDays: number;
  /** By name: one that has nothing yet holds up all. */
  readonly sinks: readonly string[];
  readonly anchors: readonly string[];
  /**
   * The event of the bodies at these rising places, which are of before `cutoff`. It is of this moment, by the clock that
   * says what is old: with another no verifier would believe it.
   */
  readonly tell: (dropped: {
    readonly places: readonly number[];
    readonly cutoff: Date;
    readonly at: Date;
  }) => AuditEntry;
}

/** Dropping what audit events say, at the end of their time. */
export abstract class LogRetention {
  /**
   * Drops the bodies among the next places whose time is over, and writes the event of it in the same transaction. One
   * replica at a time does.
   *
   * @returns how many went, and whether later places can have none; undefined where another replica is at it.
   */
  abstract drop(
    slice: RetentionSlice,
  ): Promise<{ readonly dropped: number; readonly isEnd: boolean } | undefined>;
}
