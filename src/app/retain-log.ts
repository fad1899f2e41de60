import { rangesOf } from '../domain/audit/dropped.places.js';
import type { AuditEntry } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import { pause } from './pause.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { LogRetention, RetentionSlice } from './ports/log.retention.js';

type Tell = RetentionSlice['tell'];

/** Few enough that the event of what went holds all of its places. */
const SLICE = 1_000;
/** Between two slices, so that whoever works in sessions does not notice. */
const REST_MS = 50;
/** Between two passes. */
const EVERY_MS = 3_600_000;
const FIRST_RETRY_MS = 5_000;
const RETRY_MS_MAX = 600_000;

/**
 * Drops what audit events say at the end of their time, the oldest first, in small slices; their hashes stay. Each slice
 * is an event. Nothing is dropped from a log that has parted, or of which that is not known yet: all of it is evidence.
 */
export class RetainLog {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private dropped = 0;
  private failures = 0;
  private completedAt: Date | null = null;

  constructor(
    private readonly deps: {
      readonly retention: LogRetention;
      /** Undefined: for ever. */
      readonly keepDays: number | undefined;
      /** Who must have an event before its body may go. */
      readonly sinks: readonly string[];
      readonly anchors: readonly string[];
      readonly isHeld: () => boolean;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
      readonly slice?: number;
      readonly restMs?: number;
    },
  ) {}

  start(): void {
    if (this.deps.keepDays !== undefined) this.loop = this.run(this.deps.keepDays);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** What this replica did since it started, and when it last was through. */
  counts(): {
    readonly dropped: number;
    readonly failures: number;
    readonly completedAt: Date | null;
  } {
    const { dropped, failures, completedAt } = this;
    return { dropped, failures, completedAt };
  }

  private async run(keepDays: number): Promise<void> {
    const { signal } = this.stopping;
    let inRow = 0;
    while (!signal.aborted) {
      try {
        await this.once(keepDays);
        inRow = 0;
        await pause(EVERY_MS, signal);
      } catch (error) {
        inRow += 1;
        this.failures += 1;
        this.deps.journal.warn({ err: error }, 'bodies of audit events cannot be dropped now');
        await pause(Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(inRow - 1, 20)), signal);
      }
    }
  }

  /** One pass over what is old. @returns how many bodies went. @throws where it has to be tried again. */
  async once(keepDays: number): Promise<number> {
    const { retention, sinks, anchors, slice = SLICE, restMs = REST_MS } = this.deps;
    const { signal } = this.stopping;
    let sum = 0;
    for (let begin = 0; !signal.aborted && !this.deps.isHeld(); begin += slice) {
      const outcome = await retention.drop({
        begin,
        count: slice,
        keepDays,
        sinks,
        anchors,
        tell: (dropped) => this.told(dropped, keepDays),
      });
      if (outcome === undefined) return sum;
      sum += outcome.dropped;
      this.dropped += outcome.dropped;
      if (outcome.isEnd) {
        this.completedAt = this.deps.clock.now();
        break;
      }
      await pause(restMs, signal);
    }
    if (sum > 0) this.deps.journal.info({ bodies: sum }, 'bodies of audit events were dropped');
    return sum;
  }

  private told({ places, cutoff, at }: Parameters<Tell>[0], keepDays: number): AuditEntry {
    const { replica } = this.deps;
    return auditEntry({
      at,
      action: 'audit.dropped',
      outcome: 'success',
      actor: { kind: 'system', replica },
      data: {
        from: places[0],
        to: places.at(-1),
        count: places.length,
        places: rangesOf(places),
        cutoff: cutoff.toISOString(),
        keepDays,
      },
    });
  }
}
