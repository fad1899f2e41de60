import { createHash } from 'node:crypto';
import type { IncidentNews } from '../contract/news.schema.js';
import { isDueSoon, isOverdue } from '../domain/review/review.js';
import { pause } from './pause.js';
import type { AnchorLag } from './ports/anchor.js';
import type { Clock } from './ports/clock.js';
import type { Incidents } from './ports/incidents.js';
import type { Journal } from './ports/journal.js';
import type { ReviewCursor, ReviewStore } from './ports/review.store.js';
import type { SinkStanding } from './ports/sink.store.js';
import type { Parted } from './sequence-log.js';

const LOOK_MS = 30_000;
const PAGE = 100;
/** How long a sink, or an anchor, may be away before others are told. */
const LATE_SECONDS = 15 * 60;
/** How long no replica may have said that the log parts before it does not any more: several looks. */
const SILENT_SECONDS = 150;
/** Of an anchor's own periods. */
const PERIODS_LATE = 3;

/**
 * Looks for what is wrong and of which no step tells: reviews that are due or overdue, and an audit log that parts or
 * cannot be put by or delivered. Each is news once when it begins, and once when it is over, however many replicas look.
 */
export class WatchIncidents {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly deps: {
      readonly incidents: Incidents;
      readonly reviews: Pick<ReviewStore, 'list'>;
      readonly parted: () => Parted | undefined;
      /** Whether this replica has looked at the whole log since it started, and signs it. */
      readonly isWhole: () => boolean;
      readonly anchors: readonly { readonly name: string; readonly everySeconds: number }[];
      readonly anchorLags: () => Promise<readonly AnchorLag[]>;
      readonly sinks: () => Promise<readonly SinkStanding[]>;
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.look();
      await pause(LOOK_MS, signal);
    }
  }

  /** Looks once; what cannot be looked at is looked at the next time. */
  async look(): Promise<void> {
    const looks = [
      this.lookAtReviews(),
      this.lookAtLog(),
      this.lookAtAnchors(),
      this.lookAtSinks(),
    ];
    for (const looked of await Promise.allSettled(looks)) {
      if (looked.status === 'fulfilled') continue;
      const reason: unknown = looked.reason;
      this.deps.journal.warn({ err: reason }, 'it cannot be told whether something is wrong');
    }
  }

  private async lookAtReviews(): Promise<void> {
    const { reviews, incidents, clock } = this.deps;
    const now = clock.now();
    let after: ReviewCursor | undefined;
    do {
      const page = await reviews.list({
        visibility: { kind: 'all' },
        state: 'open',
        now,
        limit: PAGE,
        ...(after ? { after } : {}),
      });
      for (const { session, owed } of page) {
        const event = isOverdue(owed, now)
          ? 'review.overdue'
          : isDueSoon(owed, session, now)
            ? 'review.due'
            : undefined;
        if (event === undefined) continue;
        const key = event === 'review.due' ? `review-due-${session.id}` : `review-${session.id}`;
        const details = { dueAt: owed.dueAt.toISOString() };
        await incidents.begin(news(event, key, 'begun', details), session.id);
      }
      const last = page.length === PAGE ? page.at(-1) : undefined;
      after = last && { dueAt: last.owed.dueAt, id: last.session.id };
    } while (after && !this.stopping.signal.aborted);
  }

  /**
   * Each way in which it parts is one of its own: that somebody has mended one says nothing of the next. A replica that
   * found none tells that they are over only where no other holds to one: it may have seen what this one did not.
   */
  private async lookAtLog(): Promise<void> {
    const { incidents, isWhole } = this.deps;
    const parted = this.deps.parted();
    if (!parted) {
      const over = { event: 'log.mended', state: 'over', details: {} } as const;
      if (isWhole()) await incidents.endUnseen('log-', SILENT_SECONDS, over);
      return;
    }
    const which = createHash('sha256').update(parted.why).digest('hex').slice(0, 16);
    const details = { why: parted.why, since: parted.since.toISOString() };
    const key = `log-${which}`;
    const isNew = await incidents.begin(news('log.parted', key, 'begun', details), null);
    if (!isNew) await incidents.keep(key);
  }

  private async lookAtAnchors(): Promise<void> {
    const { anchors, anchorLags, incidents } = this.deps;
    if (anchors.length === 0) return;
    for (const { name, events, seconds } of await anchorLags()) {
      const every = anchors.find((it) => it.name === name)?.everySeconds ?? 0;
      const isLate = seconds > Math.max(LATE_SECONDS, PERIODS_LATE * every);
      const key = `anchor-${name}`;
      if (isLate) {
        const details = { anchor: name, waitingEvents: `${events}` };
        await incidents.begin(news('anchor.failing', key, 'begun', details), null);
      } else {
        await incidents.end(news('anchor.recovered', key, 'over', { anchor: name }));
      }
    }
  }

  private async lookAtSinks(): Promise<void> {
    const { sinks, incidents, clock } = this.deps;
    for (const { name, failingSince, lagEvents } of await sinks()) {
      const key = `sink-${name}`;
      if (failingSince === null) {
        await incidents.end(news('sink.recovered', key, 'over', { sink: name }));
      } else if (clock.now().getTime() - failingSince.getTime() > LATE_SECONDS * 1000) {
        const details = {
          sink: name,
          failingSince: failingSince.toISOString(),
          waitingEvents: `${lagEvents}`,
        };
        await incidents.begin(news('sink.failing', key, 'begun', details), null);
      }
    }
  }
}

function news(
  event: string,
  incident: string,
  state: IncidentNews['state'],
  details: Readonly<Record<string, string>>,
): IncidentNews {
  return { event, incident, state, details: { ...details } };
}
