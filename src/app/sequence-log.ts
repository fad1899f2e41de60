import type { TreeHead } from '../domain/audit/checkpoint.js';
import { openCheckpoint, signCheckpoint } from '../domain/audit/checkpoint.js';
import { eventFacts } from '../domain/audit/event.facts.js';
import { consistencyRanges, isConsistent, leafHashOf } from '../domain/audit/merkle.tree.js';
import type { GrowingTree } from '../domain/audit/merkle.tree.js';
import type { SignerKey, VerifierKey } from '../domain/audit/signed.note.js';
import { TILE_HEIGHT } from '../domain/audit/tlog.tiles.js';
import { hashesOf, treeOfSize } from './log.hashes.js';
import { pause } from './pause.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { LogStore, Placed, Round, SignedHead } from './ports/log.store.js';
import { MissingHashes } from './ports/log.store.js';

const BATCH = 2_000;
/** After an error, so that a database that is away is not asked five times a second. */
const ERROR_MS = 2_000;

/** Why nothing is signed any more. */
export interface Parted {
  /** A sentence for operators: what parts from what, and where. */
  readonly why: string;
  readonly since: Date;
}

/** What is in the database is not what was signed. */
class LogParted extends Error {}

/**
 * Gives events their places in the log and signs its heads: every replica tries, one at a time does. What is smaller than
 * a head that was seen here, or does not begin with it, is never signed: sequencing stops, and says why.
 */
export class SequenceLog {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  /** The newest head that this replica has signed, and its tree. */
  private known: { readonly head: SignedHead; readonly tree: GrowingTree } | undefined;
  /** The largest head that this replica has signed, or given to anybody. */
  private seen: TreeHead | undefined;
  private stopped: Parted | undefined;

  constructor(
    private readonly deps: {
      readonly store: LogStore;
      readonly origin: string;
      /** Each signs: two while one takes the place of the other. */
      readonly signers: readonly SignerKey[];
      /** Keys that signed before and sign no more: what they signed is ours. */
      readonly formerKeys?: readonly VerifierKey[];
      readonly everyMs: number;
      readonly clock: Clock;
      readonly journal: Journal;
      /** Nothing is signed while it is so: what anchors hold must be compared first. */
      readonly isHeld?: () => boolean;
      /** Told once, where signing stops. */
      readonly onParted?: (parted: Parted) => void;
      readonly batch?: number;
    },
  ) {}

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** Why nothing is signed; undefined while all is well. */
  parted(): Parted | undefined {
    return this.stopped;
  }

  /** Takes note of a head that leaves this replica: nothing is signed that does not go on from it. */
  see(head: TreeHead): void {
    if (head.size > (this.seen?.size ?? 0)) this.seen = head;
  }

  /** Stops signing until a restart, before which somebody has to look. The first reason stands. */
  part(why: string): void {
    if (this.stopped) return;
    this.stopped = { why, since: this.deps.clock.now() };
    this.deps.journal.error(
      { why },
      'the audit log is not what was signed: nothing more is signed until it is',
    );
    this.deps.onParted?.(this.stopped);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) await pause(await this.tried(), signal);
  }

  /** @returns how long to wait for the next try, in milliseconds. */
  private async tried(): Promise<number> {
    try {
      return (await this.once()) === 'more' ? 0 : this.deps.everyMs;
    } catch (error) {
      this.deps.journal.warn({ err: error }, 'the audit log cannot be sequenced now');
      return ERROR_MS;
    }
  }

  /** Gives places to what waits, a batch at most. @returns whether there may be more of it for this replica. */
  async once(): Promise<'more' | 'all'> {
    const { store, batch = BATCH, isHeld } = this.deps;
    if (this.stopped || isHeld?.() || !(await store.isWaiting())) return 'all';
    let grown: GrowingTree | undefined;
    let count = 0;
    try {
      const head = await store.round(batch, async (round) => {
        count = round.waiting.length;
        if (count === 0) return undefined;
        grown = await this.treeOf(round);
        return this.place(round, grown);
      });
      if (head !== undefined && grown) {
        this.known = { head, tree: grown };
        this.see(head);
      }
      return head !== undefined && count === batch ? 'more' : 'all';
    } catch (error) {
      if (!(error instanceof LogParted || error instanceof MissingHashes)) throw error;
      this.part(error.message);
      return 'all';
    }
  }

  /** The tree that was signed last, ready to grow. @throws where the database holds another. */
  private async treeOf({ latest, places, tiles }: Round): Promise<GrowingTree> {
    const size = latest?.size ?? 0;
    if (places !== size) {
      throw new LogParted(
        `the newest checkpoint is of ${size} events, and ${places} have a place: ${
          places < size ? 'those after them were removed' : 'others were inserted after it'
        }`,
      );
    }
    const { known, seen } = this;
    if (seen && seen.size > size) {
      throw new LogParted(
        `the newest checkpoint is of ${size} events, and one of ${seen.size} was seen here: the database was put back`,
      );
    }
    if (known && latest && known.head.size === size && known.head.root.equals(latest.root)) {
      return known.tree.copy();
    }
    const tree = await treeOfSize(size, tiles);
    if (latest) await this.check(latest, tree, tiles);
    return tree;
  }

  /** That the newest checkpoint is ours, of this tree, and goes on from what was seen here. */
  private async check(latest: SignedHead, tree: GrowingTree, tiles: Round['tiles']): Promise<void> {
    const { signers, formerKeys = [] } = this.deps;
    if (!tree.root().equals(latest.root)) {
      throw new LogParted(
        `the checkpoint of ${latest.size} events has another root than the events in the database`,
      );
    }
    // Of whatever log: what goes on under another name goes on from what one of our keys has signed.
    const ours = [...signers.map(({ verifier }) => verifier), ...formerKeys];
    const opened = openCheckpoint(latest.note, ours);
    if (
      typeof opened === 'string' ||
      !opened.root.equals(latest.root) ||
      opened.size !== latest.size ||
      opened.origin !== latest.origin
    ) {
      throw new LogParted(
        `the checkpoint of ${latest.size} events ${typeof opened === 'string' ? opened : 'says something else than its row'}`,
      );
    }
    const { seen } = this;
    if (seen === undefined) return;
    const proof = await hashesOf(consistencyRanges(seen.size, latest.size), latest.size, tiles);
    if (!isConsistent({ older: seen, newer: latest, proof })) {
      throw new LogParted(
        `the checkpoint of ${latest.size} events does not begin with that of ${seen.size}, which was seen here: something before was changed`,
      );
    }
  }

  private place({ waiting }: Round, tree: GrowingTree): Placed {
    const { origin, signers, clock } = this.deps;
    const nodes: { level: number; index: number; hash: Buffer }[] = [];
    for (const { eventId, body, leafHash } of waiting) {
      if (!leafHashOf(body).equals(leafHash)) {
        throw new LogParted(`the event ${eventId} is not what its hash is of`);
      }
      tree.append(leafHash, ({ level, index }, hash) => {
        if (level % TILE_HEIGHT === 0) nodes.push({ level: level / TILE_HEIGHT, index, hash });
      });
    }
    const head = { origin, size: tree.size, root: tree.root() };
    const leaves = waiting.map(({ eventId, leafHash, body }) => ({
      eventId,
      leafHash,
      facts: eventFacts(body),
    }));
    const note = signCheckpoint(head, signers);
    return { leaves, nodes, head: { ...head, note, signedAt: clock.now() } };
  }
}
