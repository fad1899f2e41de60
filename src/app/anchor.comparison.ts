import type { TreeHead } from '../domain/audit/checkpoint.js';
import { openCheckpoint } from '../domain/audit/checkpoint.js';
import type { Hash } from '../domain/audit/merkle.tree.js';
import type { VerifierKey } from '../domain/audit/signed.note.js';
import { treeOfSize } from './log.hashes.js';
import type { Anchor, AnchorCursors } from './ports/anchor.js';
import type { Journal } from './ports/journal.js';
import type { LogStore } from './ports/log.store.js';
import { MissingHashes } from './ports/log.store.js';

/** So many checkpoints of an anchor are compared, the newest. */
const WALK_MAX = 1_000;
/** So many at a time. */
const AT_ONCE = 8;
/** What is no checkpoint is passed over, so many at most. */
const READ_MAX = 20;

/** By size, of what is a checkpoint of ours: the root in the anchor, and whether the database has the same. */
type Walked = Map<number, { readonly root: Hash; readonly agrees: boolean }>;

/**
 * One anchor beside the database. Every checkpoint there is compared once, not the newest alone: a fork that has reached
 * the anchor agrees with itself, and with nothing that was there before it.
 */
export class AnchorComparison {
  /** Sizes at which both agreed. It holds for all of them for as long as it does for the newest of them. */
  private agreed = new Set<number>();
  private newest: TreeHead | undefined;
  /** The size of the newest that is there; undefined before the first look, and where nothing can be read back. */
  private held: number | undefined;
  /** Sizes of what none of our keys has signed: each is told of once. */
  private readonly foreign = new Set<number>();

  constructor(
    private readonly deps: {
      readonly anchor: Anchor;
      readonly cursors: Pick<AnchorCursors, 'wasPut'>;
      readonly store: LogStore;
      readonly origin: string;
      readonly verifiers: readonly VerifierKey[];
      readonly journal: Journal;
      readonly signal: AbortSignal;
    },
  ) {}

  /** How many checkpoints were come upon that are signed by none of our keys. */
  foreigners(): number {
    return this.foreign.size;
  }

  /** The newest checkpoint that both had when they were last compared. */
  common(): TreeHead | undefined {
    return this.newest;
  }

  /** The size of the newest checkpoint that is there; undefined before a look, and where nothing can be read back. */
  holds(): number | undefined {
    return this.held;
  }

  /** A checkpoint of that size was put there now. */
  took(size: number): void {
    if (this.held !== undefined) this.held = size;
  }

  /**
   * @returns why the database is not what the anchor holds; undefined where it is.
   * @throws where that cannot be told.
   */
  async look(): Promise<string | undefined> {
    const { store } = this.deps;
    // Before the database is read: what is put in between must not seem to be missing.
    const listed = await this.listed();
    if (listed === undefined) return undefined;
    const all = listed.slice(0, WALK_MAX);
    const { places } = await store.newest();
    const sizes = all.slice(await this.readableFrom(all));
    [this.held = 0] = sizes;
    const known = this.newest;
    const stands = known === undefined || (await this.has(known.size, known.root));

    const due = stands ? sizes.filter((size, at) => at === 0 || !this.agreed.has(size)) : sizes;
    let walked = await this.walk(due);
    if (stands && [...walked.values()].every(({ agrees }) => agrees)) {
      this.remember(sizes, walked);
      return undefined;
    }
    // Now all, so that what is told is as narrow as the anchor can have it.
    walked = await this.walk(sizes);
    if (known) walked.set(known.size, { root: known.root, agrees: stands });
    return this.reason(walked, places);
  }

  /**
   * The sizes of what is there; undefined where nothing can be read back.
   *
   * @throws where there is nothing though a checkpoint was put there: what was lost, or is not reached, agrees with
   * whatever the database holds.
   */
  private async listed(): Promise<readonly number[] | undefined> {
    const { anchor, cursors, store, origin } = this.deps;
    if ((await store.head(origin)) === undefined) await anchor.begin();
    const sizes = await anchor.sizes(origin);
    if (sizes?.length === 0 && (await cursors.wasPut(anchor.name, origin))) {
      throw new Error(
        `nothing is there, and a checkpoint was put there: mount or restore what ${anchor.name} leads to, or configure another anchor, of another name, in its place`,
      );
    }
    return sizes;
  }

  private remember(sizes: readonly number[], walked: Walked): void {
    this.agreed = new Set(sizes.filter((size) => this.agreed.has(size) || walked.has(size)));
    const [size = 0] = sizes;
    const root = walked.get(size)?.root;
    if (root && size >= (this.newest?.size ?? 0)) {
      this.newest = { origin: this.deps.origin, size, root };
    }
  }

  private reason(walked: Walked, places: number): string {
    const { name } = this.deps.anchor;
    const sizes = [...walked.keys()].sort((a, b) => a - b);
    const agrees = (size: number): boolean => walked.get(size)?.agrees === true;
    const parted = sizes.find((size) => size <= places && !agrees(size));
    const agreed = sizes.findLast((size) => agrees(size) && size < (parted ?? Infinity)) ?? 0;
    const until =
      agreed === 0
        ? 'no older checkpoint there agrees with it'
        : `it agrees with the checkpoint of ${agreed} there`;
    if (parted === undefined) {
      const newest = sizes.at(-1) ?? 0;
      return `the anchor ${name} holds a checkpoint of ${newest} events, and ${places} have a place in the database: the events ${places} to ${newest - 1} were removed, or the database was put back (${until})`;
    }
    return `the anchor ${name} holds a checkpoint of ${parted} events with another root than the database has: the first event that was changed, removed or inserted is one of ${agreed} to ${parted - 1} (${until})`;
  }

  /** Where in `sizes` the newest checkpoint is that is one. Whoever writes there could hide what is signed behind the rest. */
  private async readableFrom(sizes: readonly number[]): Promise<number> {
    for (const [at, size] of sizes.slice(0, READ_MAX).entries()) {
      if ((await this.rootIn(size)) !== undefined) return at;
    }
    if (sizes.length > 0) throw new Error('the newest things there are no checkpoints of ours');
    return 0;
  }

  private async walk(sizes: readonly number[]): Promise<Walked> {
    const walked: Walked = new Map();
    for (let at = 0; at < sizes.length; at += AT_ONCE) {
      this.deps.signal.throwIfAborted();
      await Promise.all(
        sizes.slice(at, at + AT_ONCE).map(async (size) => {
          const root = await this.rootIn(size);
          if (root !== undefined) walked.set(size, { root, agrees: await this.has(size, root) });
        }),
      );
    }
    return walked;
  }

  /** The root in the anchor; undefined where it holds nothing there that one of our keys has signed, which is told of. */
  private async rootIn(size: number): Promise<Hash | undefined> {
    const { anchor, origin, verifiers } = this.deps;
    if (this.foreign.has(size)) return undefined;
    const note = await anchor.noteOf(origin, size);
    if (note === undefined) return undefined;
    const head = openCheckpoint(note, verifiers);
    if (typeof head === 'string') {
      this.tellForeign(size, head);
      return undefined;
    }
    return head.origin === origin && head.size === size ? head.root : undefined;
  }

  private tellForeign(size: number, what: string): void {
    const { anchor, journal } = this.deps;
    if (this.foreign.has(size) || this.foreign.size >= FOREIGN_MAX) return;
    this.foreign.add(size);
    journal.error(
      { anchor: anchor.name, size, why: `the checkpoint ${what}` },
      'an anchor holds a checkpoint that is not ours: it counts for nothing, and somebody put it there',
    );
  }

  /** Whether the first events in the database have that root; not where it lacks hashes for it. */
  private async has(size: number, root: Hash): Promise<boolean> {
    const { store } = this.deps;
    try {
      return (await treeOfSize(size, (ids) => store.tiles(ids))).root().equals(root);
    } catch (error) {
      if (error instanceof MissingHashes) return false;
      throw error;
    }
  }
}

/** So many are told of in one anchor. */
const FOREIGN_MAX = 1_000;
