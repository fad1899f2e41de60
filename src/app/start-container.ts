import type { Problem } from '../domain/problem.js';
import { TRANSIENT_PROBLEMS, isProblem } from '../domain/problem.js';
import { containerSpec } from '../domain/session/container.spec.js';
import type { LaunchVerdict } from '../domain/session/session.plan.js';
import { judgeLaunch } from '../domain/session/session.plan.js';
import type { DebugContainer, Session } from '../domain/session/session.js';
import type { AdvanceDeps, LookAgain } from './advance-session.js';
import { pause } from './pause.js';
import { placeFor, placeOf } from './place.js';

const RETRY_FIRST_MS = 250;
const RETRY_LONGEST_MS = 4_000;

/** What the cluster came to about a container that was to start. */
export type Settled = Exclude<LaunchVerdict, { kind: 'not-yet' }>;

/** The API server's own no, or that it could not be asked in time. */
export interface NotTaken {
  readonly refused: Problem;
  /** Whether each try was answered with a no to this very patch. */
  readonly definite: boolean;
}

/** One stretch of starting one container. */
export interface Stretch {
  readonly session: Session;
  readonly container: DebugContainer;
  /** When the worker is free for others again. */
  readonly endsAt: Date;
  readonly signal: AbortSignal;
}

/**
 * Sends the patch of a container (again) and waits until it runs, cannot run, or its time to start is over. Nothing is
 * sent once that is over: whether something was sent before, the cluster tells.
 */
export class StartContainer {
  constructor(private readonly deps: AdvanceDeps) {}

  /** @returns `undefined` where `signal` aborted first. */
  async start(stretch: Stretch): Promise<Settled | NotTaken | LookAgain | undefined> {
    const sent = await this.send(stretch);
    if (sent === 'added') return this.await(stretch);
    return sent === 'too-late' ? this.lastLook(stretch) : sent;
  }

  private async send({
    session,
    container,
    endsAt,
    signal,
  }: Stretch): Promise<'added' | 'too-late' | NotTaken | LookAgain | undefined> {
    const { clusters, clock, journal } = this.deps;
    const { startBy } = container;
    const place = placeFor(session, container);
    const spec = containerSpec(session, container);
    let definite = true;
    let backOffMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      if (clock.now() >= startBy) return 'too-late';
      const answer = await clusters.add(place, spec);
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
  private async await(stretch: Stretch): Promise<Settled | LookAgain | undefined> {
    const { clusters, clock } = this.deps;
    const { session, container, endsAt, signal } = stretch;
    const { startBy } = container;
    const until = Math.min(startBy.getTime(), endsAt.getTime());
    const leftMs = Math.max(0, until - clock.now().getTime());
    const following = AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
    for await (const seen of clusters.follow(placeOf(session, container), following)) {
      const verdict = judgeLaunch(seen, startBy, clock.now());
      if (verdict.kind !== 'not-yet') return verdict;
    }
    if (signal.aborted) return undefined;
    return endsAt < startBy ? { lookAgainAt: clock.now() } : this.lastLook(stretch);
  }

  /** The word of the cluster when the time to start is over. */
  private async lastLook({ session, container }: Stretch): Promise<Settled> {
    const { clusters, clock } = this.deps;
    const { startBy } = container;
    const seen = await clusters.observe(placeOf(session, container));
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
}

/** Why Kubernetes does not run it, and what to do, in two sentences. */
export function kubernetesSays(
  { reason, message }: Pick<Extract<Settled, { kind: 'failed' }>, 'reason' | 'message'>,
  hint: string,
): string {
  return `Kubernetes says ${reason}${clip(message)}. ${hint}`;
}

/** What follows the reason. Kubernetes' messages may be empty, or hold whole events; people need their beginning. */
function clip(message: string): string {
  if (message === '') return '';
  return `: ${message.length > 600 ? `${message.slice(0, 600)}…` : message}`;
}
