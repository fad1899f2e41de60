import type { Actor } from '../domain/person.js';
import { isProblem } from '../domain/problem.js';
import { REASON_OF_EVENT } from '../domain/session/session.machine.js';
import type { SessionEvent } from '../domain/session/session.machine.js';
import type { Bounds, Doing } from '../domain/session/session.plan.js';
import { dueAt, hasToRetire, plan } from '../domain/session/session.plan.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { FinishSession } from './finish-session.js';
import { LaunchSession } from './launch-session.js';
import { MoveSession } from './move-session.js';
import { Activity } from './ports/activity.js';
import { Clock } from './ports/clock.js';
import { Clusters } from './ports/cluster.js';
import { Journal } from './ports/journal.js';
import { SessionStore } from './ports/session.store.js';
import type { SpanName, Tracer } from './ports/tracer.js';
import { ownWork, routineWork, UNTRACED } from './ports/tracer.js';
import { RetireContainers } from './retire-containers.js';
import type { Changes } from './session-step.js';
import { stepOf } from './session-step.js';
import { startChanges } from './start-session.js';
import { WatchSession } from './watch-session.js';

export interface AdvanceDeps {
  readonly store: SessionStore;
  readonly clusters: Clusters;
  readonly activity: Activity;
  readonly clock: Clock;
  readonly bounds: Bounds;
  readonly journal: Journal;
  /** The replica's name, for the audit log and for claims. */
  readonly replica: string;
  /** Told when a session's container is seen to run, before that is written. */
  readonly sawRunning?: (id: SessionId) => void;
  /** Left out: nobody follows. */
  readonly tracer?: Tracer;
}

/** A system step that one of the parts asks for: written, then the session goes on from what is stored. */
export interface SystemStep {
  readonly event: SessionEvent;
  readonly changes?: Changes;
  readonly outcome?: 'success' | 'failure';
  readonly data?: Readonly<Record<string, unknown>>;
  /** To be written only where this replica's claim on the session holds at that moment. */
  readonly onlyIfHeld?: boolean;
  /** Where the part wrote steps of its own: the session after them. */
  readonly of?: Session;
}

/** What a part came to: a step to write, or to be looked at again at an instant. */
export type Advance = SystemStep | LookAgain;

export interface LookAgain {
  readonly lookAgainAt: Date;
  /** Where the part wrote steps of its own: the version after them. */
  readonly version?: number;
}

/** Writes a step of the broker's own. Gives the session as stored, or `undefined` where somebody else was quicker. */
export type WriteStep = (session: Session, step: SystemStep) => Promise<Session | undefined>;

/** A claim on a session while it is advanced. */
export interface Claim {
  /** Whether it was claimed for its end. */
  readonly isEnd: boolean;
  /** Aborts when the claim is lost or the session was changed by others. */
  readonly signal: AbortSignal;
  /** Told of each version just before it is written, so that news of it is known to be the claim's own. */
  readonly expect: (version: number) => void;
}

/**
 * Takes one claimed session as far as it goes now, step by step. It keeps nothing in memory that matters: whoever
 * claims the session next goes on from the stored row.
 */
export class AdvanceSession {
  private readonly actor: Actor;
  private readonly launch: LaunchSession;
  private readonly watch: WatchSession;
  private readonly move: MoveSession;
  private readonly retire: RetireContainers;
  private readonly finish: FinishSession;

  constructor(private readonly deps: AdvanceDeps) {
    this.actor = { kind: 'system', replica: deps.replica };
    this.launch = new LaunchSession(deps);
    this.watch = new WatchSession(deps);
    this.move = new MoveSession(deps);
    this.retire = new RetireContainers(deps);
    this.finish = new FinishSession(deps);
  }

  /**
   * @returns when the session is to be looked at next and the version that was decided on, or `undefined` where it
   * was changed meanwhile, or is to be ended now and was not claimed for that, and must be claimed again.
   */
  async advance(
    claimed: Session,
    { isEnd, signal, expect }: Claim,
  ): Promise<{ dueAt: Date | null; version: number } | undefined> {
    let session = claimed;
    const write: WriteStep = (from, step) => {
      expect(from.version + 1);
      return this.write(from, step);
    };
    // True for a start that this very claim wrote: then no patch by anybody else can be under way.
    let ownStart = false;
    while (!signal.aborted) {
      const now = this.deps.clock.now();
      const step = plan(session, now);
      if (step.do === 'wait' || step.do === 'nothing') {
        return { dueAt: dueAt(session, now), version: session.version };
      }
      // What begins to end meanwhile is claimed anew, for that: no end that hangs holds a lane of what starts.
      if (step.do === 'finish' && !isEnd) return undefined;
      const result = await this.takeInTrace(step.do, { session, signal, write, ownStart, now });
      if (result === undefined) return undefined;
      if ('lookAgainAt' in result) {
        return { dueAt: result.lookAgainAt, version: result.version ?? session.version };
      }
      const written = await write(result.of ?? session, result);
      if (!written) return undefined;
      ownStart = result.event === 'start';
      session = written;
    }
    return undefined;
  }

  /** What asks the cluster is a span: of the session's trace, or one that points to it. */
  private async takeInTrace(
    ...[what, at]: Parameters<AdvanceSession['take']>
  ): Promise<Advance | undefined> {
    const name = SPAN_OF[what];
    if (name === undefined) return this.take(what, at);
    const { tracer = UNTRACED } = this.deps;
    const { session, now } = at;
    const where = what === 'check' ? routineWork(session) : ownWork(session, now);
    const start = { facts: { session: session.id }, ...where };
    return tracer.run(name, start, () => this.take(what, at));
  }

  private async take(
    what: Doing,
    at: {
      session: Session;
      signal: AbortSignal;
      write: WriteStep;
      ownStart: boolean;
      now: Date;
    },
  ): Promise<Advance | undefined> {
    const { session, signal, write, ownStart, now } = at;
    switch (what) {
      case 'lapse':
        return { event: 'lapse', changes: lapsed(session) };
      case 'widen':
        return { event: 'widen', changes: { escalatedAt: now } };
      case 'start':
        return { event: 'start', changes: startChanges(session, now, this.deps.bounds) };
      case 'launch':
        return this.launch.launch(session, { signal, ownStart });
      case 'check':
        return this.watch.check(session);
      case 'extend': {
        const moved = await this.move.extend(session, signal);
        // A container that was left before does not wait for a start that takes long.
        return moved && 'lookAgainAt' in moved && hasToRetire(session, now)
          ? this.retire.retire(session, { signal, write })
          : moved;
      }
      case 'retire':
        return this.retire.retire(session, { signal, write });
      case 'expire':
        return {
          event: 'expire',
          changes: {
            endReason: REASON_OF_EVENT.expire,
            endDetail: 'The time was up.',
            endingAt: now,
          },
        };
      case 'finish':
        return this.finish.finish(session, { signal, write });
    }
  }

  private async write(session: Session, step: SystemStep): Promise<Session | undefined> {
    const written = await this.deps.store.write({
      ...stepOf({
        session,
        event: step.event,
        capacities: ['system'],
        actor: this.actor,
        at: this.deps.clock.now(),
        ...(step.changes ? { changes: step.changes } : {}),
        ...(step.outcome ? { outcome: step.outcome } : {}),
        ...(step.data ? { data: step.data } : {}),
      }),
      ...(step.onlyIfHeld === true ? { heldBy: this.deps.replica } : {}),
    });
    if (!isProblem(written)) return written;
    if (written.problem !== 'write-conflict')
      throw new Error(written.detail, { cause: written.cause });
    return undefined;
  }
}

/** Doings that ask the cluster; the others are steps that are written, and no more. */
const SPAN_OF: Partial<Record<Doing, SpanName>> = {
  launch: 'session.launch',
  check: 'session.check',
  extend: 'session.extend',
  retire: 'session.retire',
  finish: 'session.finish',
};

function lapsed(session: Session): Changes {
  const detail =
    session.state === 'pending'
      ? 'Nobody decided about it in time. Ask again, and tell an approver.'
      : 'It was not started in time. Ask again.';
  return { endReason: 'lapsed', endDetail: detail, lapsesAt: null };
}
