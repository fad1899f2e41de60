import type { AuditEntry } from '../../domain/audit/entry.js';

/** An event that a sink refused for good, and has not taken since. */
export interface PutBy {
  readonly index: number;
  readonly eventId: string;
  readonly action: string;
  /** Why it was refused last. */
  readonly reason: string;
  /** When it was refused last. */
  readonly at: Date;
  /** Since when it is to be delivered again; null where nobody asked for that. */
  readonly replayAt: Date | null;
}

/** What sinks refused for good. */
export abstract class DeadLetters {
  /** In the order of places, those after one. */
  abstract list(
    sink: string,
    page: { readonly limit: number; readonly after?: number },
  ): Promise<PutBy[]>;
  /**
   * Has all of them delivered again that are not about to be, and writes the event of that in the same transaction; does
   * nothing where there are none.
   *
   * @returns how many.
   */
  abstract replay(
    sink: string,
    tell: (of: {
      readonly count: number;
      readonly first: number;
      readonly last: number;
    }) => AuditEntry,
  ): Promise<number>;
  /** The place of the first that is to be delivered again. */
  abstract next(sink: string): Promise<number | undefined>;
  /**
   * What became of it: it was taken, or is put by as before.
   *
   * @returns false, with nothing written, where the holder has the sink no more or it was settled before.
   */
  abstract settle(args: {
    readonly sink: string;
    readonly holder: string;
    readonly index: number;
    readonly refused?: string;
  }): Promise<boolean>;
}
