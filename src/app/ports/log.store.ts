import type { Hash } from '../../domain/audit/merkle.tree.js';
import type { EventFacts } from '../../domain/audit/event.facts.js';
import type { TileId } from '../../domain/audit/tlog.tiles.js';

/** The tree lacks hashes that a tree of its size has: somebody has removed them. */
export class MissingHashes extends Error {}

/** What was signed of a log. */
export interface SignedHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  /** The checkpoint: a signed note. */
  readonly note: string;
  readonly signedAt: Date;
}

/** An event that has no place yet. */
export interface Waiting {
  readonly eventId: string;
  readonly body: Buffer;
  readonly leafHash: Hash;
}

/** What a round gives: the next places in order, the hashes of tiles that are full now, and the new head. */
export interface Placed {
  readonly leaves: readonly {
    readonly eventId: string;
    readonly leafHash: Hash;
    readonly facts: EventFacts;
  }[];
  /** Of tiles' levels, 1 and above. */
  readonly nodes: readonly {
    readonly level: number;
    readonly index: number;
    readonly hash: Hash;
  }[];
  readonly head: SignedHead;
}

/** What one sequencer sees while it alone gives places. */
export interface Round {
  /** The largest head, of whatever origin; undefined before the first. */
  readonly latest: SignedHead | undefined;
  /** How many places were given, whatever heads say. */
  readonly places: number;
  /** Oldest first. */
  readonly waiting: readonly Waiting[];
  readonly tiles: LogStore['tiles'];
}

/** An entry with its place. */
export interface LogEntry {
  readonly index: number;
  readonly eventId: string;
  readonly leafHash: Hash;
  /** Of no bytes where it was dropped at the end of its time. */
  readonly body: Buffer;
}

/** The places of events, the tree above them, and what was signed. */
export abstract class LogStore {
  /** Whether any event waits for its place. */
  abstract isWaiting(): Promise<boolean>;
  /**
   * One round of sequencing, in a transaction that one replica at a time has. What `place` returns is written; nothing
   * is where it returns undefined or throws.
   *
   * @returns the head that was written; undefined where none was, or another replica is at it.
   */
  abstract round(
    limit: number,
    place: (round: Round) => Promise<Placed | undefined>,
  ): Promise<SignedHead | undefined>;
  /** The largest head of an origin. */
  abstract head(origin: string): Promise<SignedHead | undefined>;
  /** The largest head of whatever origin, and how many places were given, of the same moment. */
  abstract newest(): Promise<Pick<Round, 'latest' | 'places'>>;
  /** The hashes of tiles, one after the other, as the tree is now. Throws {@link MissingHashes} where it has not so many. */
  abstract tiles(ids: readonly TileId[]): Promise<Buffer[]>;
  /** Where an event is; undefined where it has no place, or is none. */
  abstract placeOf(
    eventId: string,
  ): Promise<{ readonly index: number; readonly leafHash: Hash } | undefined>;
  /** Entries in their order. */
  abstract entries(begin: number, count: number): Promise<LogEntry[]>;
}
