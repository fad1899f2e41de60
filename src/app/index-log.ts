import { eventFacts } from '../domain/audit/event.facts.js';
import { pause } from './pause.js';
import type { AuditIndex } from './ports/audit.index.js';
import type { Journal } from './ports/journal.js';

const SLICE = 1_000;
/** Between two slices, so that whoever works in sessions does not notice. */
const REST_MS = 20;
const ERROR_MS = 5_000;

/**
 * Lets events be found that had their place before there was anything to find them by, or got it from an older replica:
 * once after each start, the newest first. Several replicas may be at it.
 */
export class IndexLog {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private done = false;

  constructor(
    private readonly deps: {
      readonly index: AuditIndex;
      readonly journal: Journal;
      readonly slice?: number;
      readonly restMs?: number;
    },
  ) {}

  /** Whether all that had its place at the start is found. */
  isDone(): boolean {
    return this.done;
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** Resolves when all that had its place at the beginning is found, or it is stopped. Never rejects. */
  private async run(): Promise<void> {
    const { index, journal, slice = SLICE, restMs = REST_MS } = this.deps;
    const { signal } = this.stopping;
    let end: number | undefined;
    while (end !== 0 && !signal.aborted) {
      try {
        end ??= await index.size();
        const begin = Math.max(0, end - slice);
        await this.add(begin, end);
        end = begin;
        this.done = end === 0;
        await pause(restMs, signal);
      } catch (error) {
        journal.warn({ err: error, end }, 'audit events cannot be made findable now');
        await pause(ERROR_MS, signal);
      }
    }
  }

  private async add(begin: number, end: number): Promise<void> {
    const unfound = await this.deps.index.unfound(begin, end);
    await this.deps.index.add(
      unfound.map(({ index, body }) => ({ index, facts: eventFacts(body) })),
    );
  }
}
