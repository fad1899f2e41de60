import { displayName } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { Action } from '../domain/session/session.machine.js';
import {
  REASON_OF_EVENT,
  STATES,
  actionsIn,
  eventOf,
  next,
} from '../domain/session/session.machine.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Caller } from './caller.js';
import { callerCapacities, maySee, personOf } from './caller.js';
import { changed, isLapsed, lapsed } from './decide-session.js';
import { Clock } from './ports/clock.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';
import type { Changes } from './session-step.js';
import { stepOf } from './session-step.js';
import { startChanges } from './start-session.js';

/** Two writers may meet; after so many times it is not chance any more. */
const TRIES_MAX = 8;

/** `start`, `end` and `revoke`, by whom the session machine allows. */
export class ActOnSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clock: Clock;
      readonly bounds: Bounds;
    },
  ) {}

  /**
   * Ends are wished for whatever the session has become meanwhile, so a lost race is run again on what is stored;
   * with `seenVersion` it is refused instead.
   *
   * @returns the session after the step; `not-found`, `forbidden`, `illegal-transition`, `changed-since-seen`.
   */
  async act(
    caller: Caller,
    id: SessionId,
    wish: { action: 'start' | 'end' | 'revoke'; comment?: string; seenVersion?: number },
  ): Promise<Session | Problem> {
    for (let tries = 1; ; tries++) {
      const session = await this.deps.store.find(id);
      if (!session || !maySee(caller, session)) return absent(id);
      const step = this.step(caller, session, wish);
      if (isProblem(step)) return step;
      const written = await this.deps.store.write(step);
      const lost = isProblem(written) && written.problem === 'write-conflict';
      if (!lost || tries === TRIES_MAX) return written;
    }
  }

  private step(
    caller: Caller,
    session: Session,
    wish: { action: 'start' | 'end' | 'revoke'; comment?: string; seenVersion?: number },
  ) {
    const { id, state } = session;
    const capacities = callerCapacities(caller, session);
    const ever = STATES.some((other) => actionsIn(other, capacities).includes(wish.action));
    if (!ever) return problem('forbidden', NOT_YOURS[wish.action](id));
    if (wish.seenVersion !== undefined && wish.seenVersion !== session.version) return changed(id);
    const event = eventOf(state, wish.action, capacities);
    if (!event) {
      return problem(
        'illegal-transition',
        `The session ${id} is ${state}: there is nothing to ${wish.action} ${state === 'pending' ? 'yet' : 'any more'}.`,
      );
    }
    const at = this.deps.clock.now();
    if (event === 'start' && isLapsed(session, at)) return lapsed(id);
    return stepOf({
      session,
      event,
      capacities,
      actor: caller.actor,
      at,
      data: { comment: wish.comment },
      changes:
        event === 'start'
          ? startChanges(session, at, this.deps.bounds)
          : endChanges({
              session,
              event,
              at,
              by: displayName(personOf(caller)),
              comment: wish.comment,
            }),
    });
  }
}

const NOT_YOURS: Readonly<
  Record<Exclude<Action, 'approve' | 'deny' | 'retract' | 'extend'>, (id: string) => string>
> = {
  start: () => 'Only the requester starts a session.',
  end: (id) => `Only the requester ends a session; to stop the session ${id}, revoke it.`,
  revoke: () =>
    'Only an approver of the session or an admin revokes it; its requester ends it instead.',
};

function endChanges(args: {
  session: Session;
  event: NonNullable<ReturnType<typeof eventOf>>;
  at: Date;
  by: string;
  comment: string | undefined;
}): Changes {
  const { session, event, at } = args;
  const reason = REASON_OF_EVENT[event as keyof typeof REASON_OF_EVENT];
  const to = next(session.state, event, ['requester', 'approver', 'admin']);
  return {
    endReason: reason,
    endDetail: `${reason === 'revoked' ? 'Revoked' : 'Ended'} by ${args.by}${args.comment === undefined ? '.' : `: ${args.comment}`}`,
    ...(to === 'ending' ? { endingAt: at } : { lapsesAt: null }),
  };
}
