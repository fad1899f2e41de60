import type { PlacedFacts } from '../../domain/audit/event.facts.js';
import type { Hash } from '../../domain/audit/merkle.tree.js';

/** A place, and the row of the event in it; null where there is no such row. */
export interface InspectedEntry {
  readonly index: number;
  readonly eventId: string;
  readonly leafHash: Hash;
  readonly event: {
    readonly at: Date;
    readonly action: string;
    readonly sessionId: string | null;
    readonly leafHash: Hash;
    /** Null where it was dropped at the end of its time. */
    readonly body: Buffer | null;
  } | null;
}

/** A place at which a search does not find what its event says. */
export interface Misfiled {
  readonly index: number;
  readonly isMissing: boolean;
  /** Whether a search by time looks past it: it lies outside of the times that its block of places is said to have. */
  readonly isPastTime: boolean;
}

/** The log's rows as they are, for whoever does not believe them. */
export abstract class LogInspection {
  /**
   * The events `audit.dropped` at this place and later, and those that wait for one: what was written with whatever was
   * dropped since a pass began is among them.
   */
  abstract droppedSince(
    begin: number,
  ): Promise<{ readonly leafHash: Hash; readonly body: Buffer }[]>;
  /** Places in their order, from `begin` on; those that are missing are left out. */
  abstract entries(begin: number, count: number): Promise<InspectedEntry[]>;
  /** The hashes of tiles' levels 1 and above, undefined where there is none. */
  abstract nodes(
    ids: readonly { readonly level: number; readonly index: number }[],
  ): Promise<(Hash | undefined)[]>;
  /** Which of these places are not to be found by what their events say. */
  abstract misfiled(placed: readonly PlacedFacts[]): Promise<Misfiled[]>;
  /** Of each block of places, the first among these that a search by the time of its row would look past. */
  abstract pastTime(begin: number, count: number): Promise<Misfiled[]>;
  /** Makes searches by time look at these places again. */
  abstract widen(begin: number, count: number): Promise<void>;
  /** Files those again that are missing. */
  abstract file(placed: readonly PlacedFacts[]): Promise<void>;
  /**
   * The next events by id: the last one that was looked at, undefined where there is no more, and those among them that
   * neither have a place nor wait for one.
   */
  abstract unplaced(
    afterId: string | undefined,
    count: number,
  ): Promise<{ readonly last: string | undefined; readonly unplaced: readonly string[] }>;
}
