import type { AuditEntry } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import type { LoggedEvent } from '../domain/audit/logged.event.js';
import { droppedEvent, loggedEvent } from '../domain/audit/logged.event.js';
import { pause } from './pause.js';
import type { Clock } from './ports/clock.js';
import type { DeadLetters } from './ports/dead.letters.js';
import type { Journal } from './ports/journal.js';
import type { LogEntry, LogStore } from './ports/log.store.js';
import type { Delivered, Sink } from './ports/sink.js';
import { DELIVERY_MS_MAX, SinkAway } from './ports/sink.js';
import type { SinkStore } from './ports/sink.store.js';

/** Longer than a delivery may take, so that what is under way is over when another replica begins. */
const CLAIM_SECONDS = (3 * DELIVERY_MS_MAX) / 1000;
const FIRST_RETRY_MS = 500;
const RETRY_MS_MAX = 60_000;
/** It tells of a dead letter; one about itself would be refused as well, and so on without end. */
const UNDELIVERED = 'log.undelivered';

/** Somebody took an event out of the log. */
class RemovedEvent extends Error {}

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
      readonly letters: DeadLetters;
      readonly log: LogStore;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
      /** At least 0, less than 1. */
      readonly random?: () => number;
      readonly firstRetryMs?: number;
      readonly deliveryMs?: number;
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

  /** Delivers a batch at most, and one dead letter again. @throws where it has to be tried again. */
  async once(sink: Sink): Promise<'more' | 'all' | 'elsewhere'> {
    const outcome = await this.next(sink);
    if (outcome === 'elsewhere') return outcome;
    return (await this.again(sink)) ? 'more' : outcome;
  }

  private async next(sink: Sink): Promise<'more' | 'all' | 'elsewhere'> {
    const { cursors, log, replica } = this.deps;
    const { name } = sink;
    const from = await cursors.claim(name, replica, CLAIM_SECONDS);
    if (from === undefined) return 'elsewhere';
    const entries = await log.entries(from, sink.batch);
    if (entries.length === 0) return 'all';
    const odd = entries.findIndex(({ index }, at) => index !== from + at);
    if (odd >= 0)
      throw new RemovedEvent(`there is no event at place ${from + odd}: it was removed`);
    const { count, refused } = await this.deliver(sink, entries.map(eventOf));
    if (count === 0) return 'elsewhere';
    const to = from + count;
    const last = entries[count - 1];
    const dead =
      refused === undefined || last === undefined ? [] : [{ index: last.index, reason: refused }];
    const told =
      refused === undefined || last === undefined ? undefined : this.toldOf(name, last, refused);
    const isOurs = await cursors.advance({
      name,
      holder: replica,
      from,
      to,
      dead,
      ...(told ? { told } : {}),
    });
    if (!isOurs) return 'elsewhere';
    for (const { index, reason } of dead) {
      const told = { sink: name, index, reason };
      this.deps.journal.error(told, 'a sink refuses an event of the audit log: it is put by');
    }
    return entries.length === sink.batch || count < entries.length ? 'more' : 'all';
  }

  /**
   * Delivers a batch; of one that is refused the first half, and so on, until one event alone is: that is put by.
   *
   * @returns how many events, from the first on, were dealt with, none where another replica has the sink; and why the
   * last of them was refused, where it was.
   */
  private async deliver(
    sink: Sink,
    events: readonly LoggedEvent[],
  ): Promise<{ readonly count: number; readonly refused?: string }> {
    const { cursors, replica } = this.deps;
    for (let count = events.length; ; count = Math.ceil(count / 2)) {
      const delivered = await this.bounded(sink, events.slice(0, count));
      if (delivered === 'taken') return { count };
      if (count === 1) return { count, refused: delivered.refused };
      // All of the deliveries together may take longer than one claim.
      const from = await cursors.claim(sink.name, replica, CLAIM_SECONDS);
      if (from !== events[0]?.index) return { count: 0 };
    }
  }

  /**
   * Delivers one dead letter again where somebody asked for that; whatever becomes of it, it is asked for no more, so that
   * it holds up nothing.
   *
   * @returns whether there was one.
   */
  private async again(sink: Sink): Promise<boolean> {
    const { cursors, letters, log, replica } = this.deps;
    const { name } = sink;
    const index = await letters.next(name);
    if (index === undefined) return false;
    if ((await cursors.claim(name, replica, CLAIM_SECONDS)) === undefined) return false;
    const [entry] = await log.entries(index, 1);
    const refused = entry ? await this.refusalOf(sink, eventOf(entry)) : 'it was removed';
    const settled = { sink: name, holder: replica, index };
    return letters.settle({ ...settled, ...(refused === undefined ? {} : { refused }) });
  }

  private async refusalOf(sink: Sink, event: LoggedEvent): Promise<string | undefined> {
    try {
      const delivered = await this.bounded(sink, [event]);
      return delivered === 'taken' ? undefined : delivered.refused;
    } catch (error) {
      if (this.stopping.signal.aborted) throw error;
      return wordsOf(error);
    }
  }

  /** A sink that heeds no signal is left to itself, a while later. */
  private async bounded(sink: Sink, events: readonly LoggedEvent[]): Promise<Delivered> {
    const signal = AbortSignal.any([
      this.stopping.signal,
      AbortSignal.timeout(this.deps.deliveryMs ?? DELIVERY_MS_MAX),
    ]);
    const { promise, reject } = Promise.withResolvers<never>();
    const give = () =>
      reject(new SinkAway('the sink did not answer in time', undefined, signal.reason));
    signal.addEventListener('abort', give, { once: true });
    // It does not tell of what was before.
    if (signal.aborted) give();
    try {
      return await Promise.race([sink.deliver(events, signal), promise]);
    } finally {
      signal.removeEventListener('abort', give);
    }
  }

  /** The event of a dead letter; none of one that is such an event itself, of whatever sink. */
  private toldOf(
    sink: string,
    { index, eventId, action }: LogEntry,
    reason: string,
  ): AuditEntry | undefined {
    if (action === UNDELIVERED) return undefined;
    const { clock, replica } = this.deps;
    return auditEntry({
      at: clock.now(),
      action: UNDELIVERED,
      outcome: 'failure',
      actor: { kind: 'system', replica },
      data: { sink, index, event: eventId, of: action, reason: reason.slice(0, 500) },
    });
  }

  private async note(sink: Sink, error: unknown, failures: number): Promise<void> {
    const { cursors, journal, replica } = this.deps;
    const told = { sink: sink.name, failures, err: error };
    journal.warn(told, 'the audit log cannot be delivered to a sink: it is tried again');
    await cursors.failing(sink.name, replica, wordsOf(error)).catch(() => undefined);
  }

  /** Twice as long each time, and some of it by chance, so that replicas and sinks do not come all at once. */
  private retryMs(failures: number, error: unknown): number {
    const { random = Math.random, firstRetryMs = FIRST_RETRY_MS } = this.deps;
    const most = Math.min(RETRY_MS_MAX, firstRetryMs * 2 ** Math.min(failures - 1, 20));
    const asked = error instanceof SinkAway ? Math.min(error.afterMs ?? 0, RETRY_MS_MAX) : 0;
    return Math.max(asked, most / 2 + (most / 2) * random());
  }
}

function eventOf(entry: LogEntry): LoggedEvent {
  return entry.body.length === 0 ? droppedEvent(entry) : loggedEvent(entry.index, entry.body);
}

/** For whoever may read the log: what others' errors say goes to the journal alone. */
function wordsOf(error: unknown): string {
  if (error instanceof SinkAway || error instanceof RemovedEvent) return error.message;
  return error instanceof Error ? `the delivery failed: ${error.name}` : 'the delivery failed';
}
