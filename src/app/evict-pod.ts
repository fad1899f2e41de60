import { isProblem } from '../domain/problem.js';
import type { ProblemCode } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import type { AdvanceDeps, SystemStep, WriteStep } from './advance-session.js';
import { placeOf } from './place.js';
import type { StepRecord } from './ports/session.store.js';

/** How long an eviction is given before it is asked for again. */
const AGAIN_MS = 10_000;

const HOW = 'evict';

/** Whether a step tells of an eviction, and not of a harder way to end the container. */
export function isEviction({ event, data }: Pick<StepRecord, 'event' | 'data'>): boolean {
  return event === 'escalate' && data['how'] === HOW;
}

/**
 * The last resort, where policy says so: evicting the Pod, which costs the application its Pod. It is in the audit log
 * before it is asked for, and again with each new answer of the cluster: `done`, or the problem that kept it from it.
 */
export class EvictPod {
  /** The answer that the log has last; '': none yet, it was only announced; undefined: nothing is said of it. */
  private told: string | undefined;
  private nextAtMs = 0;

  /** @param past the session's newest steps, as far as they are known. */
  constructor(
    private readonly deps: AdvanceDeps,
    past: readonly StepRecord[],
  ) {
    const last = past.findLast(isEviction);
    const answer = last?.data['answer'];
    if (last) this.told = typeof answer === 'string' ? answer : '';
  }

  /** Asks for it if it is time to. Gives the session as stored, or `undefined` where somebody else was quicker. */
  async evict(session: Session, write: WriteStep): Promise<Session | undefined> {
    const { clock, clusters, journal } = this.deps;
    if (session.grant?.terms.onOverrun !== 'evict' || clock.now().getTime() < this.nextAtMs) {
      return session;
    }
    const announced = this.told === undefined ? await this.tell(session, write) : session;
    if (!announced) return undefined;
    const answer = await clusters.evict(placeOf(announced));
    this.nextAtMs = clock.now().getTime() + AGAIN_MS;
    if (!isProblem(answer)) return this.tell(announced, write, 'done');
    this.nextAtMs += Math.max(0, (answer.retryAfterSeconds ?? 0) * 1000 - AGAIN_MS);
    journal.warn(
      { session: session.id, problem: answer.problem, cause: answer.cause },
      'the Pod could not be evicted yet',
    );
    // A cluster that does not answer has not answered otherwise.
    if (answer.problem === 'cluster-unavailable') return announced;
    return this.tell(announced, write, answer.problem, answer.detail);
  }

  private async tell(
    session: Session,
    write: WriteStep,
    answer?: 'done' | ProblemCode,
    detail?: string,
  ): Promise<Session | undefined> {
    if (this.told === (answer ?? '')) return session;
    this.told = answer ?? '';
    const step: SystemStep = {
      event: 'escalate',
      outcome: detail === undefined ? 'success' : 'failure',
      data: { how: HOW, ...(answer ? { answer } : {}), ...(detail ? { detail } : {}) },
    };
    return write(session, step);
  }
}
