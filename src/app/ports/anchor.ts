import type { SignedHead } from './log.store.js';

/** A place out of the database's reach where checkpoints are put by. Throws where it does not answer in time. */
export abstract class Anchor {
  abstract readonly name: string;
  /** How often a new checkpoint is put there at most, in seconds. */
  abstract readonly everySeconds: number;

  /**
   * Makes room for the first checkpoint, where there is none yet. Called before anything of that log was signed, and
   * never after: what is not there later was there once, or is not reached.
   */
  begin(): Promise<void> {
    return Promise.resolve();
  }

  /** Once more does no harm. Nothing leaves but what the head says. */
  abstract put(head: SignedHead): Promise<void>;

  /**
   * The sizes of the checkpoints of that log that are there, newest first, as many as a look takes; undefined where
   * nothing can be read back. Throws where it cannot be told that there are none.
   */
  abstract sizes(origin: string): Promise<readonly number[] | undefined>;

  /** The checkpoint of that size: a signed note, which whoever asked must check; undefined where there is none. */
  abstract noteOf(origin: string, size: number): Promise<string | undefined>;
}

/** How far an anchor is behind what was signed. */
export interface AnchorLag {
  readonly name: string;
  readonly events: number;
  /** How long the oldest checkpoint waits that it has not; 0 where it has all. */
  readonly seconds: number;
}

/**
 * How far each anchor is, and who is at it: one replica at a time. Whoever may write there could park a cursor: a claim
 * that is longer than any replica's counts as none, and a size beyond all that was signed as 0.
 */
export abstract class AnchorCursors {
  /**
   * The size of what was put last, where the anchor is due and nobody is at it: then it is this replica's, until it says
   * how it went or `forSeconds` are over. Undefined where there is nothing to do here.
   */
  abstract claim(
    name: string,
    args: { readonly everySeconds: number; readonly forSeconds: number },
  ): Promise<{ readonly size: number } | undefined>;
  /** Whether a checkpoint of that log was put there once, as far as the cursor tells. */
  abstract wasPut(name: string, origin: string): Promise<boolean>;
  /** So much is there now. */
  abstract settle(name: string, size: number): Promise<void>;
  /** It could not be put: whoever wants may try. */
  abstract release(name: string): Promise<void>;
  /**
   * How far each is behind.
   *
   * @param of with the size of what was found there, where it can be read back: then its cursor is not asked.
   */
  abstract lags(
    of: readonly { readonly name: string; readonly holds: number | undefined }[],
  ): Promise<AnchorLag[]>;
}
