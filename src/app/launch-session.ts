import type { Problem } from '../domain/problem.js';
import { TRANSIENT_PROBLEMS, invariant, isProblem } from '../domain/problem.js';
import { timesOf } from '../domain/session/container.record.js';
import { ephemeralContainer } from '../domain/session/debug-container.js';
import { hintFor } from '../domain/session/observation.js';
import type { LaunchVerdict } from '../domain/session/session.plan.js';
import { judgeLaunch } from '../domain/session/session.plan.js';
import type { Session } from '../domain/session/session.js';
import { timerCommand } from '../domain/timebox/timer.js';
import type { Advance, AdvanceDeps } from './advance-session.js';
import { pause } from './pause.js';
import { placeOf } from './place.js';

const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 4_000;

/** From `starting` to `active`, or to a failed start with what Kubernetes said and what to do. */
export class LaunchSession {
  constructor(private readonly deps: AdvanceDeps) {}

  /**
   * Sends the patch (again) and waits until the container runs, cannot run, or its time to start is over.
   *
   * @param ownStart whether no patch of this session can have been sent before: then a refusal by the API server means
   * that there is no container and never will be.
   */
  async launch(
    session: Session,
    { signal, ownStart }: { signal: AbortSignal; ownStart: boolean },
  ): Promise<Advance | undefined> {
    const { startBy } = invariant(session.container, 'a starting session without a container');
    const sent = await this.send(session, signal);
    if (sent === undefined) return undefined;
    if (sent !== 'added') {
      return refused(sent.refused, {
        nothingSent: ownStart && sent.definite,
        at: this.deps.clock.now(),
      });
    }
    const verdict = await this.await(session, startBy, signal);
    if (verdict === undefined) return undefined;
    return this.settle(session, verdict);
  }

  private async send(session: Session, signal: AbortSignal) {
    const { clusters, clock, journal } = this.deps;
    const { startBy } = invariant(session.container, 'a starting session without a container');
    const { profile } = invariant(session.grant, 'a starting session without a grant');
    const place = placeOf(session);
    const container = ephemeralContainer({
      session,
      profile,
      name: place.containerName,
      startBy,
      command: timerCommand({
        shell: profile.shell,
        startByEpochSeconds: Math.floor(startBy.getTime() / 1000),
        durationSeconds: session.request.durationSeconds,
      }),
    });
    let definite = true;
    for (
      let waitMs = RETRY_FIRST_MS;
      !signal.aborted;
      waitMs = Math.min(waitMs * 2, RETRY_LONGEST_MS)
    ) {
      const answer = await clusters.add(place, container);
      if (answer === 'added') return 'added';
      definite &&= answer.definite;
      const timeIsUp = clock.now().getTime() + waitMs >= startBy.getTime();
      if (!TRANSIENT_PROBLEMS.has(answer.refused.problem) || timeIsUp) {
        return { refused: answer.refused, definite };
      }
      journal.warn(
        { session: session.id, problem: answer.refused.problem, cause: answer.refused.cause },
        'the debug container could not be added yet',
      );
      await pause(Math.max(waitMs, (answer.refused.retryAfterSeconds ?? 0) * 1000), signal);
    }
    return undefined;
  }

  /** Follows the container until something can be said; `undefined` where `signal` aborted first. */
  private async await(
    session: Session,
    startBy: Date,
    signal: AbortSignal,
  ): Promise<Exclude<LaunchVerdict, { kind: 'not-yet' }> | undefined> {
    const { clusters, clock } = this.deps;
    const place = placeOf(session);
    const leftMs = Math.max(0, startBy.getTime() - clock.now().getTime());
    const following = AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
    for await (const seen of clusters.follow(place, following)) {
      const verdict = judgeLaunch(seen, startBy, clock.now());
      if (verdict.kind !== 'not-yet') return verdict;
    }
    if (signal.aborted) return undefined;
    const seen = await clusters.observe(place);
    if (isProblem(seen)) {
      return { kind: 'failed', reason: 'StartDeadline', message: seen.detail };
    }
    const verdict = judgeLaunch(
      seen,
      startBy,
      new Date(Math.max(startBy.getTime(), clock.now().getTime())),
    );
    return verdict.kind === 'not-yet'
      ? { kind: 'failed', reason: 'StartDeadline', message: 'the container did not start in time' }
      : verdict;
  }

  private settle(session: Session, verdict: Exclude<LaunchVerdict, { kind: 'not-yet' }>): Advance {
    const now = this.deps.clock.now();
    const container = invariant(session.container, 'a starting session without a container');
    switch (verdict.kind) {
      case 'started':
        return {
          event: 'run',
          changes: {
            ...timesOf(session, verdict.startedAt, now),
            container: { ...container, imageId: verdict.imageId },
          },
          data: { kubernetesStartedAt: verdict.startedAt.toISOString() },
        };
      case 'pod-gone':
        return failed(
          now,
          'PodGone',
          `${verdict.why} Hallpass had not seen the container run. Ask again for a Pod that runs.`,
        );
      case 'failed':
        return failed(
          now,
          verdict.reason,
          `Kubernetes says ${verdict.reason}${clip(verdict.message)}. ${hintFor(verdict.reason)}`,
        );
    }
  }
}

function failed(at: Date, reason: string, detail: string): Advance {
  return {
    event: 'fail',
    outcome: 'failure',
    changes: { endReason: 'start-failed', endDetail: detail, endingAt: at },
    data: { kubernetesReason: reason },
  };
}

function refused(
  problem: Problem,
  { nothingSent, at }: { nothingSent: boolean; at: Date },
): Advance {
  return {
    event: nothingSent ? 'reject' : 'fail',
    outcome: 'failure',
    changes: {
      endReason: 'start-failed',
      endDetail: problem.detail,
      ...(nothingSent ? {} : { endingAt: at }),
    },
    data: { problem: problem.problem },
  };
}

/** What follows the reason. Kubernetes' messages may be empty, or hold whole events; people need their beginning. */
function clip(message: string): string {
  if (message === '') return '';
  return `: ${message.length > 600 ? `${message.slice(0, 600)}…` : message}`;
}
