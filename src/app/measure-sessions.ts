import type { SessionEvent } from '../domain/session/session.machine.js';
import type { Session } from '../domain/session/session.js';
import { Journal } from './ports/journal.js';
import type { Step } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import type { ConsentOutcome, Durations } from './ports/stopwatch.js';
import { Stopwatch } from './ports/stopwatch.js';

/** What ends the waiting for consent. */
const WAITED: Partial<Record<SessionEvent, ConsentOutcome>> = {
  approve: 'approved',
  deny: 'denied',
  withdraw: 'withdrawn',
  revoke: 'revoked',
  lapse: 'lapsed',
};

/** What ends a start, but for people who do not want it any more. */
const CAME: Partial<Record<SessionEvent, Durations['sessionStart']['outcome']>> = {
  run: 'started',
  fail: 'failed',
  reject: 'failed',
};

/** How long sessions wait for consent and for their containers: each measured by the replica that writes its step. */
export class MeasureSessions {
  constructor(
    private readonly deps: {
      readonly store: Pick<SessionStore, 'steps'>;
      readonly stopwatch: Stopwatch;
      readonly journal: Journal;
    },
  ) {}

  /** To be told of every step that was written here. Nobody waits for what it reads. */
  async heard({ session, from, event, at }: Step): Promise<void> {
    const { stopwatch, journal } = this.deps;
    try {
      const outcome = WAITED[event];
      if (from === 'pending' && outcome !== undefined) {
        stopwatch.took('consentWait', secondsBetween(session.createdAt, at), { outcome });
      }
      const came = CAME[event];
      if (came === undefined) return;
      const since = await this.couldStartAt(session);
      if (!since) return;
      const { cluster } = session.request;
      stopwatch.took('sessionStart', secondsBetween(since, at), { cluster, outcome: came });
    } catch (error) {
      journal.warn({ session: session.id, err: error }, 'how long a step took is not known');
    }
  }

  /** When it was approved; where it waited to be started by hand, when that was done. */
  private async couldStartAt({ id, request }: Session): Promise<Date | undefined> {
    const before = request.start === 'manual' ? 'starting' : 'approved';
    const steps = await this.deps.store.steps(id, 0);
    return steps.findLast(({ to }) => to === before)?.at;
  }
}

/** Replicas' clocks may differ a little: nothing ends before it began. */
function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, to.getTime() - from.getTime()) / 1000;
}
