import { openCheckpoint } from '../domain/audit/checkpoint.js';
import { GrowingTree, perfectSubtrees } from '../domain/audit/merkle.tree.js';
import type { Hash } from '../domain/audit/merkle.tree.js';
import type { VerifierKey } from '../domain/audit/signed.note.js';
import { hashesOf } from './log.hashes.js';
import { pause } from './pause.js';
import type { Anchor } from './ports/anchor.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { LogStore } from './ports/log.store.js';
import { MissingHashes } from './ports/log.store.js';
import type { SequenceLog } from './sequence-log.js';

const EVERY_MS = 60_000;
/** After one could not be reached. */
const AGAIN_MS = 15_000;

/** How an anchor was found when it was last compared with the database. */
export interface AnchorStanding {
  readonly name: string;
  /** Null until it was compared once. */
  readonly comparedAt: Date | null;
  readonly failures: number;
  /** How many checkpoints were come upon, since this replica started, that are signed by none of our keys. */
  readonly foreign: number;
}

/**
 * Compares the newest checkpoint of each anchor that can be read back with the database, before anything is signed and
 * then again and again. Where they part, signing stops, and the reason says between which events. An anchor that does not
 * answer is warned of and stops nothing.
 */
export class CompareAnchors {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private readonly found = new Map<string, AnchorStanding>();
  /** The sizes of such checkpoints, by anchor: each is told of once. */
  private readonly foreign = new Map<string, Set<number>>();

  constructor(
    private readonly deps: {
      readonly anchors: readonly Anchor[];
      readonly store: LogStore;
      readonly sequence: Pick<SequenceLog, 'part' | 'parted'>;
      readonly origin: string;
      /** Of the keys that sign, and of those that did before: what no other has signed counts for nothing. */
      readonly verifiers: readonly VerifierKey[];
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {
    for (const { name } of deps.anchors) {
      this.found.set(name, { name, comparedAt: null, failures: 0, foreign: 0 });
      this.foreign.set(name, new Set());
    }
  }

  /** @returns when the first look is over, however it went. */
  start(): Promise<void> {
    const first = this.once();
    this.loop = first.then((isWhole) => this.run(isWhole));
    return first.then(() => undefined);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  standings(): readonly AnchorStanding[] {
    return [...this.found.values()];
  }

  private async run(wasWhole: boolean): Promise<void> {
    const { signal } = this.stopping;
    for (let isWhole = wasWhole; !signal.aborted;) {
      await pause(isWhole ? EVERY_MS : AGAIN_MS, signal);
      if (!signal.aborted) isWhole = await this.once();
    }
  }

  /** @returns whether all anchors could be read. Never throws. */
  async once(): Promise<boolean> {
    const { anchors, sequence, clock, journal } = this.deps;
    let isWhole = true;
    for (const anchor of anchors) {
      if (sequence.parted()) return true;
      const { name } = anchor;
      const failures = this.found.get(name)?.failures ?? 0;
      try {
        const why = await this.compare(anchor);
        this.stand(name, clock.now(), failures);
        if (why !== undefined) sequence.part(why);
      } catch (error) {
        isWhole = false;
        const comparedAt = this.found.get(name)?.comparedAt ?? null;
        this.stand(name, comparedAt, failures + 1);
        journal.warn(
          { err: error, anchor: name },
          'an anchor could not be compared with the audit log: it is tried again',
        );
      }
    }
    return isWhole;
  }

  private stand(name: string, comparedAt: Date | null, failures: number): void {
    const foreign = this.foreign.get(name)?.size ?? 0;
    this.found.set(name, { name, comparedAt, failures, foreign });
  }

  /** @returns why the database is not what the anchor holds; undefined where it is. */
  private async compare(anchor: Anchor): Promise<string | undefined> {
    // Before the database is read: what is put in between must not seem to be missing.
    const sizes = (await anchor.sizes(this.deps.origin)) ?? [];
    const { places } = await this.deps.store.newest();
    const at = await this.firstReadable(anchor, sizes);
    // Whoever can write there could hide what is signed behind what is not.
    if (at === undefined && sizes.length > 0) {
      throw new Error('the newest things there are no checkpoints of ours');
    }
    if (at === undefined) return undefined;
    const newest = sizes[at] ?? 0;
    if (newest <= places && (await this.agrees(anchor, newest)) !== false) return undefined;

    const { agreed, parted } = await this.whereTheyPart(anchor, sizes.slice(at), places);
    const until =
      agreed === 0
        ? 'no older checkpoint there agrees with it'
        : `it agrees with the checkpoint of ${agreed} there`;
    if (parted === undefined) {
      return `the anchor ${anchor.name} holds a checkpoint of ${newest} events, and ${places} have a place in the database: the events ${places} to ${newest - 1} were removed, or the database was put back (${until})`;
    }
    return `the anchor ${anchor.name} holds a checkpoint of ${parted} events with another root than the database has: the first event that was changed, removed or inserted is one of ${agreed} to ${parted - 1} (${until})`;
  }

  /** Where in `sizes` the newest checkpoint is that is one. */
  private async firstReadable(
    anchor: Anchor,
    sizes: readonly number[],
  ): Promise<number | undefined> {
    for (const [at, size] of sizes.slice(0, READ_MAX).entries()) {
      if ((await this.rootIn(anchor, size)) !== undefined) return at;
    }
    return undefined;
  }

  /**
   * Halves what is there: the largest size at which both agree (0: none), and the smallest at which they do not;
   * undefined where the database agrees with all that it has the size of.
   *
   * @param sizes newest first.
   */
  private async whereTheyPart(
    anchor: Anchor,
    sizes: readonly number[],
    places: number,
  ): Promise<{ readonly agreed: number; readonly parted: number | undefined }> {
    const older = sizes.filter((size) => size <= places);
    // All before `low` part, all from `high` on agree.
    let [low, high] = [0, older.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((await this.agrees(anchor, older[middle] ?? 0)) === false) low = middle + 1;
      else high = middle;
    }
    return { agreed: older[high] ?? 0, parted: older[low - 1] };
  }

  /** Whether the database has the same tree of that size; undefined where the anchor holds no checkpoint there. */
  private async agrees(anchor: Anchor, size: number): Promise<boolean | undefined> {
    const anchored = await this.rootIn(anchor, size);
    if (anchored === undefined) return undefined;
    const root = await this.rootOf(size);
    return root?.equals(anchored) === true;
  }

  /** The root in the anchor; undefined where it holds nothing there that one of our keys has signed, which is told of. */
  private async rootIn(anchor: Anchor, size: number): Promise<Hash | undefined> {
    const { origin, verifiers } = this.deps;
    const note = await anchor.noteOf(origin, size);
    if (note === undefined) return undefined;
    const head = openCheckpoint(note, verifiers);
    if (typeof head === 'string') {
      this.tellForeign(anchor.name, size, head);
      return undefined;
    }
    return head.origin === origin && head.size === size ? head.root : undefined;
  }

  private tellForeign(name: string, size: number, what: string): void {
    const told = this.foreign.get(name);
    if (told === undefined || told.has(size) || told.size >= FOREIGN_MAX) return;
    told.add(size);
    this.deps.journal.error(
      { anchor: name, size, why: `the checkpoint ${what}` },
      'an anchor holds a checkpoint that is not ours: it counts for nothing, and somebody put it there',
    );
  }

  /** The root of the first events in the database; undefined where it lacks hashes for it. */
  private async rootOf(size: number): Promise<Hash | undefined> {
    const ranges = perfectSubtrees({ begin: 0, end: size }).map(({ level, index }) => ({
      begin: index * 2 ** level,
      end: (index + 1) * 2 ** level,
    }));
    try {
      const roots = await hashesOf(ranges, size, (ids) => this.deps.store.tiles(ids));
      return GrowingTree.of(size, roots).root();
    } catch (error) {
      if (error instanceof MissingHashes) return undefined;
      throw error;
    }
  }
}

/** What is no checkpoint is passed over, so many at most. */
const READ_MAX = 20;
/** So many are told of in one anchor. */
const FOREIGN_MAX = 1_000;
