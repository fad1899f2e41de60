import type { Problem } from '../domain/problem.js';
import { TRANSIENT_PROBLEMS, invariant, isProblem } from '../domain/problem.js';
import { timesOf } from '../domain/session/container.record.js';
import { ephemeralContainer } from '../domain/session/debug-container.js';
import { hintFor } from '../domain/session/observation.js';
import type { LaunchVerdict } from '../domain/session/session.plan.js';
import { judgeLaunch } from '../domain/session/session.plan.js';
import type { Session } from '../domain/session/session.js';
import { timerCommand } from '../domain/timebox/timer.js';
import type { Advance, AdvanceDeps, LookAgain } from './advance-session.js';
import { pause } from './pause.js';
import { placeOf } from './place.js';

const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 4_000;
/** After so long in one go the session is put back: no slow start keeps a worker from what is due to end. */
const STRETCH_MS = 20_000;

/** A launch in one stretch. */
interface Stretch {
  readonly startBy: Date;
  readonly endsAt: Date;
  readonly signal: AbortSignal;
}

type Settled = Exclude<LaunchVerdict, { kind: 'not-yet' }>;

/** From `starting` to `active`, or to a failed start with what Kubernetes said and what to do. */
export class LaunchSession {
  constructor(private readonly deps: AdvanceDeps) {}

  /**
   * Sends the patch (again) and waits until the container runs, cannot run, or its time to start is over. Nothing is
   * sent once that is over: whether something was sent before, the cluster tells.
   *
   * @param ownStart whether no patch of this session can have been sent before: then a refusal by the API server means
   * that there is no container and never will be.
   */
  async launch(
    session: Session,
    { signal, ownStart }: { signal: AbortSignal; ownStart: boolean },
  ): Promise<Advance | undefined> {
    const { clock } = this.deps;
    const { startBy } = invariant(session.container, 'a starting session without a container');
    const stretch = { startBy, endsAt: new Date(clock.now().getTime() + STRETCH_MS), signal };
    const sent = await this.send(session, stretch);
    if (sent === undefined || (typeof sent === 'object' && 'lookAgainAt' in sent)) return sent;
    if (typeof sent === 'object') {
      // Where the claim may be lost, somebody else may be sending it at this very moment.
      const nothingSent = ownStart && sent.definite && !signal.aborted;
      return refused(sent.refused, { nothingSent, at: clock.now() });
    }
    const verdict =
      sent === 'added' ? await this.await(session, stretch) : await this.lastLook(session, startBy);
    if (verdict === undefined || 'lookAgainAt' in verdict) return verdict;
    return this.settle(session, verdict);
  }

  private async send(
    session: Session,
    { startBy, endsAt, signal }: Stretch,
  ): Promise<
    | 'added'
    | 'too-late'
    | { readonly refused: Problem; readonly definite: boolean }
    | LookAgain
    | undefined
  > {
    const { clusters, clock, journal } = this.deps;
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
    let backOffMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      if (clock.now() >= startBy) return 'too-late';
      const answer = await clusters.add(place, container);
      if (answer === 'added') return 'added';
      definite &&= answer.definite;
      const askedMs = (answer.refused.retryAfterSeconds ?? 0) * 1000;
      const nextAt = clock.now().getTime() + Math.max(backOffMs, askedMs);
      if (!TRANSIENT_PROBLEMS.has(answer.refused.problem) || nextAt >= startBy.getTime()) {
        return { refused: answer.refused, definite };
      }
      journal.warn(
        { session: session.id, problem: answer.refused.problem, cause: answer.refused.cause },
        'the debug container could not be added yet',
      );
      if (nextAt >= endsAt.getTime()) return { lookAgainAt: new Date(nextAt) };
      await pause(nextAt - clock.now().getTime(), signal);
      backOffMs = Math.min(backOffMs * 2, RETRY_LONGEST_MS);
    }
    return undefined;
  }

  /** Follows the container until something can be said; `undefined` where `signal` aborted first. */
  private async await(
    session: Session,
    { startBy, endsAt, signal }: Stretch,
  ): Promise<Settled | LookAgain | undefined> {
    const { clusters, clock } = this.deps;
    const until = Math.min(startBy.getTime(), endsAt.getTime());
    const leftMs = Math.max(0, until - clock.now().getTime());
    const following = AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
    for await (const seen of clusters.follow(placeOf(session), following)) {
      const verdict = judgeLaunch(seen, startBy, clock.now());
      if (verdict.kind !== 'not-yet') return verdict;
    }
    if (signal.aborted) return undefined;
    return endsAt < startBy ? { lookAgainAt: clock.now() } : this.lastLook(session, startBy);
  }

  /** The word of the cluster when the time to start is over. */
  private async lastLook(session: Session, startBy: Date): Promise<Settled> {
    const { clusters, clock } = this.deps;
    const seen = await clusters.observe(placeOf(session));
    if (isProblem(seen)) {
      return { kind: 'failed', reason: 'StartDeadline', message: seen.detail };
    }
    // A timer may fire a moment early.
    const now = new Date(Math.max(startBy.getTime(), clock.now().getTime()));
    const verdict = judgeLaunch(seen, startBy, now);
    return verdict.kind === 'not-yet'
      ? { kind: 'failed', reason: 'StartDeadline', message: 'the container did not start in time' }
      : verdict;
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

/** What follows the reason. Kubernetes' messages may be empty, or hold whole events; people need their beginning. */
function clip(message: string): string {
  if (message === '') return '';
  return `: ${message.length > 600 ? `${message.slice(0, 600)}…` : message}`;
}
