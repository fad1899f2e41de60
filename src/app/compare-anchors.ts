import type { VerifierKey } from '../domain/audit/signed.note.js';
import { AnchorComparison } from './anchor.comparison.js';
import { pause } from './pause.js';
import type { Anchor, AnchorCursors } from './ports/anchor.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { LogStore } from './ports/log.store.js';
import type { SequenceLog } from './sequence-log.js';

const EVERY_MS = 60_000;
/** After one could not be compared; twice as long each time, up to the above. */
const BACK_OFF_MS = 1_000;

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
 * Compares what each anchor holds that can be read back with the database, before anything is signed and then again and
 * again. Where they part, signing stops, and the reason says between which events. Nothing is signed before each was
 * compared once; one that does not answer later is warned of and stops nothing.
 */
export class CompareAnchors {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private readonly found = new Map<string, AnchorStanding>();
  private readonly comparisons = new Map<string, AnchorComparison>();

  constructor(
    private readonly deps: {
      readonly anchors: readonly Anchor[];
      readonly cursors: Pick<AnchorCursors, 'wasPut'>;
      readonly store: LogStore;
      readonly sequence: Pick<SequenceLog, 'part' | 'parted' | 'see'>;
      readonly origin: string;
      /** Of the keys that sign, and of those that did before: what no other has signed counts for nothing. */
      readonly verifiers: readonly VerifierKey[];
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {
    const { signal } = this.stopping;
    for (const anchor of deps.anchors) {
      const { name } = anchor;
      this.found.set(name, { name, comparedAt: null, failures: 0, foreign: 0 });
      this.comparisons.set(name, new AnchorComparison({ ...deps, anchor, signal }));
    }
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  standings(): readonly AnchorStanding[] {
    return [...this.found.values()];
  }

  /** The names of the anchors that were not compared since the start: before none is left, nothing may be signed. */
  waitsFor(): readonly string[] {
    return this.standings().flatMap(({ name, comparedAt }) => (comparedAt === null ? [name] : []));
  }

  /** The size of the newest checkpoint that was found in an anchor; undefined where none can be, or nobody looked yet. */
  holds(name: string): number | undefined {
    return this.comparisons.get(name)?.holds();
  }

  /** A checkpoint of that size was put there now. */
  took(name: string, size: number): void {
    this.comparisons.get(name)?.took(size);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let inARow = 0; !signal.aborted;) {
      inARow = (await this.once()) ? 0 : inARow + 1;
      const waitMs = inARow === 0 ? EVERY_MS : Math.min(BACK_OFF_MS * 2 ** inARow, EVERY_MS);
      await pause(waitMs, signal);
    }
  }

  /** @returns whether all anchors could be compared. Never throws. */
  async once(): Promise<boolean> {
    const { anchors, sequence, journal } = this.deps;
    let isWhole = true;
    for (const anchor of anchors) {
      if (sequence.parted()) return true;
      const { name } = anchor;
      try {
        await this.look(anchor);
      } catch (error) {
        if (this.stopping.signal.aborted) return false;
        isWhole = false;
        const standing = this.found.get(name);
        this.stand(name, { failures: (standing?.failures ?? 0) + 1 });
        journal.warn(
          { err: error, anchor: name },
          standing?.comparedAt
            ? 'an anchor could not be compared with the audit log: it is tried again'
            : 'an anchor could not be compared with the audit log: nothing is signed before it was once. It is tried again; one that is gone for good must leave the configuration',
        );
      }
    }
    return isWhole;
  }

  /**
   * Compares one, and stops signing where they part.
   *
   * @returns whether they agree.
   * @throws where that cannot be told.
   */
  async look(anchor: Anchor): Promise<boolean> {
    const { sequence, clock } = this.deps;
    const comparison = this.comparisons.get(anchor.name);
    if (comparison === undefined) throw new Error(`${anchor.name} is no anchor that is compared`);
    const why = await comparison.look();
    // In this order: signing must never find that it waits for nothing, and is not stopped.
    if (why !== undefined) sequence.part(why);
    const common = comparison.common();
    if (common) sequence.see(common);
    this.stand(anchor.name, { comparedAt: clock.now() });
    return why === undefined;
  }

  private stand(name: string, change: Partial<AnchorStanding>): void {
    const foreign = this.comparisons.get(name)?.foreigners() ?? 0;
    const before = this.found.get(name) ?? { name, comparedAt: null, failures: 0 };
    this.found.set(name, { ...before, ...change, foreign });
  }
}
