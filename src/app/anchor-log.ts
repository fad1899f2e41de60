import { openCheckpoint } from '../domain/audit/checkpoint.js';
import type { VerifierKey } from '../domain/audit/signed.note.js';
import type { CompareAnchors } from './compare-anchors.js';
import { pause } from './pause.js';
import type { Anchor, AnchorCursors, AnchorLag } from './ports/anchor.js';
import type { Journal } from './ports/journal.js';
import type { LogStore, SignedHead } from './ports/log.store.js';
import type { SequenceLog } from './sequence-log.js';

const BACK_OFF_MS = 1_000;
const BACK_OFF_MS_MAX = 300_000;
/** Longer than any anchor may take to answer. */
const CLAIM_SECONDS = 60;
/** How often a replica looks whether an anchor is due, at least once in its period. */
const LOOK_MS_MAX = 10_000;

/**
 * Puts the newest checkpoint into each anchor as often as it is configured: every replica looks, one at a time puts. An
 * anchor that fails is tried again, ever more rarely, and holds up nothing. What was parted is put nowhere, and nothing
 * into an anchor whose own checkpoints it does not go on from: there it would hide that they part.
 */
export class AnchorLog {
  private readonly stopping = new AbortController();
  private loops: Promise<void>[] = [];
  private readonly failed = new Map<string, number>();

  constructor(
    private readonly deps: {
      readonly anchors: readonly Anchor[];
      readonly cursors: AnchorCursors;
      readonly store: LogStore;
      readonly sequence: Pick<SequenceLog, 'parted' | 'see'>;
      readonly compare: Pick<CompareAnchors, 'look' | 'waitsFor' | 'holds' | 'took'>;
      readonly origin: string;
      /** Of our keys: nothing leaves that none of them has signed. */
      readonly verifiers: readonly VerifierKey[];
      readonly journal: Journal;
      /** From 0 to 1, for waits that differ. */
      readonly random?: () => number;
    },
  ) {
    for (const { name } of deps.anchors) this.failed.set(name, 0);
  }

  start(): void {
    this.loops = this.deps.anchors.map((anchor) => this.run(anchor));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
  }

  /** How often each could not be reached to put, by this replica. */
  failures(): ReadonlyMap<string, number> {
    return this.failed;
  }

  lags(): Promise<AnchorLag[]> {
    const { anchors, cursors, compare } = this.deps;
    return anchors.length === 0
      ? Promise.resolve([])
      : cursors.lags(anchors.map(({ name }) => ({ name, holds: compare.holds(name) })));
  }

  private async run(anchor: Anchor): Promise<void> {
    const { signal } = this.stopping;
    for (let inARow = 0; !signal.aborted;) {
      inARow = (await this.once(anchor)) ? 0 : inARow + 1;
      await pause(this.waitMs(anchor, inARow), signal);
    }
  }

  private waitMs({ everySeconds }: Anchor, inARow: number): number {
    const { random = Math.random, compare } = this.deps;
    if (compare.waitsFor().length > 0) return BACK_OFF_MS;
    if (inARow === 0) return Math.min(everySeconds * 1_000, LOOK_MS_MAX);
    const longest = Math.min(BACK_OFF_MS * 2 ** inARow, BACK_OFF_MS_MAX);
    return (longest / 2) * (1 + random());
  }

  /** Puts the newest checkpoint where the anchor is due and has it not. @returns false where that failed. */
  async once(anchor: Anchor): Promise<boolean> {
    const { cursors, store, sequence, compare, origin, journal } = this.deps;
    const { name, everySeconds } = anchor;
    if (sequence.parted() || compare.waitsFor().length > 0) return true;
    try {
      const claimed = await cursors.claim(name, { everySeconds, forSeconds: CLAIM_SECONDS });
      if (!claimed) return true;
      try {
        const head = await store.head(origin);
        const cursor =
          head && claimed.size > head.size ? this.parked(anchor, claimed.size) : claimed.size;
        // What can be read back says itself how far it is, and the cursor only of what cannot.
        const isDue = (size: number): boolean => size > (compare.holds(name) ?? cursor);
        if (!head || !isDue(head.size) || !(await compare.look(anchor)) || !isDue(head.size)) {
          await cursors.release(name);
          return true;
        }
        this.check(head);
        sequence.see(head);
        await anchor.put(head);
        compare.took(name, head.size);
        await cursors.settle(name, head.size);
      } catch (error) {
        await cursors.release(name);
        throw error;
      }
      return true;
    } catch (error) {
      if (this.stopping.signal.aborted) return false;
      this.fail(name);
      journal.warn(
        { err: error, anchor: name },
        'a checkpoint could not be put into an anchor: it is tried again',
      );
      return false;
    }
  }

  private fail(name: string): void {
    this.failed.set(name, (this.failed.get(name) ?? 0) + 1);
  }

  /** Of a cursor that is beyond all that was signed. @returns what it counts as. */
  private parked({ name }: Anchor, size: number): number {
    this.fail(name);
    this.deps.journal.error(
      { anchor: name, size },
      'the cursor of an anchor is beyond what was signed: somebody changed it, or the database was put back. It counts for nothing',
    );
    return 0;
  }

  /** @throws where the database holds a checkpoint that none of our keys has signed, or that says something else. */
  private check(head: SignedHead): void {
    const opened = openCheckpoint(head.note, this.deps.verifiers);
    const what =
      typeof opened === 'string'
        ? opened
        : opened.size === head.size && opened.root.equals(head.root)
          ? undefined
          : 'says something else than its row';
    if (what === undefined) return;
    throw new Error(
      `the checkpoint of ${head.size} events in the database ${what}: it is put nowhere`,
    );
  }
}
