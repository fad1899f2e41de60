import { invariant, isProblem } from '../domain/problem.js';
import { endTold, reasonOfEnd } from '../domain/session/container.record.js';
import { containersOf } from '../domain/session/debug-container.js';
import { REASON_OF_EVENT } from '../domain/session/session.machine.js';
import type { Session } from '../domain/session/session.js';
import { strengthProbe } from '../domain/timebox/timer.js';
import type { Advance, AdvanceDeps } from './advance-session.js';
import { touchEveryMs } from './live-session.js';
import { placeOf } from './place.js';
import { duration } from './stream.sentences.js';

/** So many looks after the start, a timer whose strength could not be asked is `unknown` on the record. */
const PROBE_TRIES = 3;

/** Looks after a session that is active: has its container ended, is its Pod gone, how strong is its timer? */
export class WatchSession {
  constructor(private readonly deps: AdvanceDeps) {}

  /** One look. */
  async check(session: Session): Promise<Advance | undefined> {
    const { clusters, clock, journal } = this.deps;
    const seen = await clusters.observe(placeOf(session));
    if (isProblem(seen)) {
      journal.warn(
        { session: session.id, problem: seen.problem, cause: seen.cause },
        'an active session could not be seen',
      );
      return this.again(session);
    }
    switch (seen.kind) {
      case 'pod-gone':
        return {
          event: 'stop',
          changes: {
            endReason: 'pod-gone',
            endDetail: seen.why,
            extension: null,
            formerContainers: [],
          },
        };
      case 'terminated': {
        const now = clock.now();
        const isOnlyOne = containersOf(session).length === 1;
        return {
          event: isOnlyOne ? 'stop' : 'halt',
          changes: { ...reasonOfEnd(session, seen, now), ...(isOnlyOne ? {} : { endingAt: now }) },
          data: { seen: seen.kind, ...endTold(seen) },
        };
      }
      case 'running':
        return (
          (await this.idleTooLong(session)) ??
          (await this.probeTimer(session)) ??
          this.again(session)
        );
      case 'absent':
      case 'waiting':
        journal.error(
          { session: session.id, seen: seen.kind },
          'a container that ran is not running and has not terminated',
        );
        return this.again(session);
    }
  }

  /** Ends a session into which nobody has typed for as long as its terms allow. Never too early. */
  private async idleTooLong(session: Session): Promise<Advance | undefined> {
    const idleSeconds = session.grant?.terms.idleSeconds ?? null;
    if (idleSeconds === null) return undefined;
    const { activity, clock } = this.deps;
    const now = clock.now();
    const since = (await activity.lastInputAt(session.id)) ?? session.startedAt ?? now;
    if (now.getTime() < since.getTime() + idleSeconds * 1000 + touchEveryMs(idleSeconds * 1000)) {
      return undefined;
    }
    return {
      event: 'idle',
      changes: {
        endReason: REASON_OF_EVENT.idle,
        endDetail: `Nothing was typed into it for ${duration(idleSeconds * 1000)}.`,
        endingAt: now,
      },
      data: { lastInputAt: since.toISOString() },
    };
  }

  /**
   * Asks the container's shell, until it has answered, how well its timer defends itself: the audit log must say so, or
   * that it is not known.
   */
  private async probeTimer(session: Session): Promise<Advance | undefined> {
    const container = invariant(session.container, 'an active session without a container');
    if (container.timer === 'strong' || container.timer === 'weak') return undefined;
    const { profile } = invariant(session.grant, 'an active session without a grant');
    const answer = await this.deps.clusters.run(placeOf(session), strengthProbe(profile.shell));
    const known = isProblem(answer) ? undefined : TIMER_OF_EXIT[answer.exitCode];
    if (!known && (container.timer === 'unknown' || !this.isTimeToSay(session))) return undefined;
    const timer = known ?? 'unknown';
    const note = TIMER_NOTES[timer];
    return {
      event: 'note',
      changes: { container: { ...container, timer } },
      data: { timer, ...(note === undefined ? {} : { note }) },
    };
  }

  /** Whether a timer that could not be asked so far is to be called unknown: after some tries, or at the last one. */
  private isTimeToSay(session: Session): boolean {
    const { clock, bounds } = this.deps;
    const now = clock.now().getTime();
    const tryMs = bounds.checkSeconds * 1000;
    const startedAt = session.startedAt?.getTime() ?? now;
    const deadline = session.deadlineAt?.getTime() ?? now;
    return now >= startedAt + PROBE_TRIES * tryMs || now + tryMs >= deadline;
  }

  private again(session: Session): Advance {
    const now = this.deps.clock.now().getTime();
    const next = now + this.deps.bounds.checkSeconds * 1000;
    const deadline = session.deadlineAt?.getTime() ?? next;
    const retiring = session.formerContainers
      .map(({ endFrom }) => endFrom.getTime())
      .filter((at) => at > now);
    return { lookAgainAt: new Date(Math.min(next, deadline, ...retiring)) };
  }
}

/** The exit codes of {@link strengthProbe}. */
const TIMER_OF_EXIT: Readonly<Record<number, 'strong' | 'weak'>> = { 0: 'strong', 3: 'weak' };

/** What the audit log says with it. */
const TIMER_NOTES: Readonly<Record<'strong' | 'weak' | 'unknown', string | undefined>> = {
  strong: undefined,
  weak: "This shell's read has no -t: the timer can be delayed from inside, and the broker ends the container from outside.",
  unknown:
    'The container could not be asked how strong its timer is: it must be taken for weak. It is asked again.',
};
