import type { LoggedEvent } from '../../domain/audit/logged.event.js';

/** What became of a batch: it was taken, or will never be as it is. Whatever may pass is thrown. */
export type Delivered = 'taken' | { readonly refused: string };

/** The sink cannot take anything now. */
export class SinkAway extends Error {
  /** @param afterMs how long the sink itself asks to be left alone. */
  constructor(
    words: string,
    readonly afterMs?: number,
    cause?: unknown,
  ) {
    super(words, { cause });
  }
}

/** Where the log is delivered to, in its own form. */
export abstract class Sink {
  abstract readonly name: string;
  /** How many events it takes at once. */
  abstract readonly batch: number;
  /** How often it is looked for events that it has not. */
  abstract readonly everyMs: number;
  /**
   * Delivers events in their order, all or none of them as far as can be told. Ends by itself within
   * {@link DELIVERY_MS_MAX}; may be asked for the same again. Throws where it is to be tried again.
   */
  abstract deliver(events: readonly LoggedEvent[], signal: AbortSignal): Promise<Delivered>;
  /** Lets go of connections. */
  abstract close(): Promise<void>;
}

/** A delivery is given up after this long; a replica has a sink for longer, so that no two deliver at once. */
export const DELIVERY_MS_MAX = 20_000;
