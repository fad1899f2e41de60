import type { Problem } from '../domain/problem.js';
import { invariant } from '../domain/problem.js';
import { timesOf } from '../domain/session/container.record.js';
import { hintFor } from '../domain/session/observation.js';
import type { Session } from '../domain/session/session.js';
import type { Advance, AdvanceDeps } from './advance-session.js';
import type { Settled } from './start-container.js';
import { StartContainer, kubernetesSays } from './start-container.js';

/** After so long in one go the session is put back: no slow start keeps a worker from what is due to end. */
const STRETCH_MS = 20_000;

/** From `starting` to `active`, or to a failed start with what Kubernetes said and what to do. */
export class LaunchSession {
  private readonly starting: StartContainer;

  constructor(private readonly deps: AdvanceDeps) {
    this.starting = new StartContainer(deps);
  }

  /**
   * @param ownStart whether no patch of this session can have been sent before: then a refusal by the API server means
   * that there is no container and never will be.
   */
  async launch(
    session: Session,
    { signal, ownStart }: { signal: AbortSignal; ownStart: boolean },
  ): Promise<Advance | undefined> {
    const { clock } = this.deps;
    const container = invariant(session.container, 'a starting session without a container');
    const endsAt = new Date(clock.now().getTime() + STRETCH_MS);
    const came = await this.starting.start({ session, container, endsAt, signal });
    if (came === undefined || 'lookAgainAt' in came) return came;
    if ('refused' in came) {
      // Where the claim may be lost, somebody else may be sending it at this very moment.
      const nothingSent = ownStart && came.definite && !signal.aborted;
      return refused(came.refused, { nothingSent, at: clock.now() });
    }
    if (came.kind === 'started') this.deps.sawRunning?.(session.id);
    return this.settle(session, came);
  }

  private settle(session: Session, verdict: Settled): Advance {
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
          data: {
            seen: 'running',
            imageId: verdict.imageId,
            kubernetesStartedAt: verdict.startedAt.toISOString(),
          },
        };
      case 'pod-gone':
        return failed(
          now,
          'PodGone',
          `${verdict.why} Hallpass had not seen the container run. Ask again for a Pod that runs.`,
        );
      case 'failed':
        return failed(now, verdict.reason, kubernetesSays(verdict, hintFor(verdict.reason)));
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
    // It ends the session without another look at the cluster: only who holds it knows that nothing is being sent.
    onlyIfHeld: nothingSent,
    outcome: 'failure',
    changes: {
      endReason: 'start-failed',
      endDetail: problem.detail,
      ...(nothingSent ? {} : { endingAt: at }),
    },
    data: { problem: problem.problem },
  };
}
