import { loggedEvent } from '../domain/audit/logged.event.js';
import type { LoggedEvent } from '../domain/audit/logged.event.js';
import { pause } from './pause.js';
import type { Journal } from './ports/journal.js';
import type { LogStore } from './ports/log.store.js';
import type { Sink } from './ports/sink.js';
import { DELIVERY_MS_MAX, SinkAway } from './ports/sink.js';
import type { DeadLetter, SinkStore } from './ports/sink.store.js';

/** Longer than a delivery may take, so that what is under way is over when another replica begins. */
const CLAIM_SECONDS = (3 * DELIVERY_MS_MAX) / 1000;
const FIRST_RETRY_MS = 500;
const RETRY_MS_MAX = 60_000;

/**
 * Delivers the log to the sinks, to each on its own: in order, at least once, nothing skipped. One replica at a time
 * delivers to a sink. One that is away is tried again, ever more rarely; what it refuses for good is put by, and told of.
 * Nothing waits for any of it.
 */
export class DeliverLog {
  private readonly stopping = new AbortController();
  private loops: readonly Promise<void>[] = [];

  constructor(
    private readonly deps: {
      readonly sinks: readonly Sink[];
      readonly cursors: SinkStore;
      readonly log: LogStore;
      readonly journal: Journal;
      readonly replica: string;
      /** At least 0, less than 1. */
      readonly random?: () => number;
      readonly firstRetryMs?: number;
    },
  ) {}

  start(): void {
    this.loops = this.deps.sinks.map((sink) => this.run(sink));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    await Promise.all(this.deps.sinks.map((sink) => sink.close()));
  }

  private async run(sink: Sink): Promise<void> {
    const { cursors, replica } = this.deps;
    const { signal } = this.stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const outcome = await this.once(sink);
        failures = 0;
        if (outcome !== 'more') await pause(sink.everyMs, signal);
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        await this.note(sink, error, failures);
        await pause(this.retryMs(failures, error), signal);
      }
    }
    // Where the database is away the claim lapses by itself.
    await cursors.release(sink.name, replica).catch(() => undefined);
  }

  /** Delivers a batch at most. @throws where it has to be tried again. */
  async once(sink: Sink): Promise<'more' | 'all' | 'elsewhere'> {
    const { cursors, log, replica } = this.deps;
    const { name } = sink;
    const from = await cursors.claim(name, replica, CLAIM_SECONDS);
    if (from === undefined) return 'elsewhere';
    const entries = await log.entries(from, sink.batch);
    if (entries.length === 0) return 'all';
    const odd = entries.findIndex(({ index }, at) => index !== from + at);
    if (odd >= 0) throw new Error(`there is no event at place ${from + odd}: it was removed`);
    // A body that was dropped is nothing to deliver: its place is passed.
    const events = entries.flatMap(({ index, body }) =>
      body.length === 0 ? [] : [loggedEvent(index, body)],
    );
    const { dead, through } = await this.deliver(sink, events);
    const to = through ?? from + entries.length;
    const isOurs = await cursors.advance({ name, holder: replica, from, to, dead });
    if (!isOurs) return 'elsewhere';
    for (const { index, reason } of dead) {
      const told = { sink: name, index, reason };
      this.deps.journal.error(told, 'a sink refuses an event of the audit log: it is put by');
    }
    return entries.length === sink.batch || through !== undefined ? 'more' : 'all';
  }

  /**
   * Delivers a batch; of one that is refused the first half, and so on, until one event alone is: that is put by.
   *
   * @returns what is put by, and the place after the last that was dealt with where that is not all.
   */
  private async deliver(
    sink: Sink,
    events: readonly LoggedEvent[],
  ): Promise<{ dead: DeadLetter[]; through?: number }> {
    let some = events;
    for (;;) {
      const last = some.at(-1);
      if (last === undefined) return { dead: [] };
      const delivered = await sink.deliver(some, this.bounded());
      const through = some.length === events.length ? {} : { through: last.index + 1 };
      if (delivered === 'taken') return { dead: [], ...through };
      if (some.length === 1)
        return { dead: [{ index: last.index, reason: delivered.refused }], ...through };
      some = some.slice(0, Math.ceil(some.length / 2));
    }
  }

  private bounded(): AbortSignal {
    return AbortSignal.any([this.stopping.signal, AbortSignal.timeout(DELIVERY_MS_MAX)]);
  }

  private async note(sink: Sink, error: unknown, failures: number): Promise<void> {
    const { cursors, journal, replica } = this.deps;
    const told = { sink: sink.name, failures, err: error };
    journal.warn(told, 'the audit log cannot be delivered to a sink: it is tried again');
    await cursors.failing(sink.name, replica).catch(() => undefined);
  }

  /** Twice as long each time, and some of it by chance, so that replicas and sinks do not come all at once. */
  private retryMs(failures: number, error: unknown): number {
    const { random = Math.random, firstRetryMs = FIRST_RETRY_MS } = this.deps;
    const most = Math.min(RETRY_MS_MAX, firstRetryMs * 2 ** Math.min(failures - 1, 20));
    const asked = error instanceof SinkAway ? Math.min(error.afterMs ?? 0, RETRY_MS_MAX) : 0;
    return Math.max(asked, most / 2 + (most / 2) * random());
  }
}
