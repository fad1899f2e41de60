import { auditEntry } from '../domain/audit/entry.js';
import type { Outcome } from '../domain/audit/entry.js';
import type { Actor } from '../domain/person.js';
import { invariant } from '../domain/problem.js';
import { containerSpec, specTold } from '../domain/session/container.spec.js';
import type { Capacity, SessionEvent, State } from '../domain/session/session.machine.js';
import { isFinal, next } from '../domain/session/session.machine.js';
import { factsHash } from '../domain/policy/facts.hash.js';
import { dueAt } from '../domain/session/session.plan.js';
import type { DebugContainer, Extension, Session } from '../domain/session/session.js';
import { plainText } from '../domain/text.js';
import type { DecisionRecord, IdempotencyKey, Step } from './ports/session.store.js';

/** What changes on a session with a step, besides its state, version and times. */
export type Changes = Partial<
  Pick<
    Session,
    | 'container'
    | 'extension'
    | 'extensions'
    | 'formerContainers'
    | 'lapsesAt'
    | 'escalatedAt'
    | 'startingAt'
    | 'startedAt'
    | 'deadlineAt'
    | 'endingAt'
    | 'endReason'
    | 'endDetail'
  >
>;

interface StepArgs {
  readonly session: Session;
  readonly event: SessionEvent;
  readonly capacities: readonly Capacity[];
  readonly actor: Actor;
  readonly at: Date;
  readonly changes?: Changes;
  readonly outcome?: Outcome;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly decision?: DecisionRecord;
}

/**
 * Takes a stored session one row further in the table of the session machine, with all that is written with it.
 *
 * @throws Error where the table has no such row: callers ask the table first, so that is a bug.
 */
export function stepOf(args: StepArgs): Step {
  const { session, event, at } = args;
  const to = invariant(
    next(session.state, event, args.capacities),
    `no transition ${session.state} -${event}->`,
  );
  return build(args, session.state, {
    ...session,
    ...args.changes,
    // What clusters say ends up here: it is made fit to be stored and shown in the one place that writes it.
    ...(args.changes?.endDetail ? { endDetail: plainText(args.changes.endDetail) } : {}),
    version: session.version + 1,
    state: to,
    updatedAt: at,
    endedAt: isFinal(to) ? at : session.endedAt,
  });
}

/** The first step of a session: `session` is what it shall be, with version 1 and the state that `event` leads to. */
export function firstStep(args: StepArgs & { readonly idempotency?: IdempotencyKey }): Step {
  const to = invariant(
    next('new', args.event, args.capacities),
    `no transition new -${args.event}->`,
  );
  const session: Session = {
    ...args.session,
    version: 1,
    state: to,
    endedAt: isFinal(to) ? args.at : null,
  };
  const step = build(args, 'new', session);
  return args.idempotency ? { ...step, idempotency: args.idempotency } : step;
}

function build(args: StepArgs, from: State | 'new', session: Session): Step {
  const { event, actor, at, decision } = args;
  const data = args.data ?? {};
  return {
    session,
    from,
    event,
    actor,
    at,
    data,
    dueAt: dueAt(session, at),
    audit: auditEntry({
      at,
      action: `session.${event}`,
      outcome: args.outcome ?? 'success',
      actor,
      session,
      data: {
        ...data,
        from,
        to: session.state,
        version: session.version,
        ...facts(session),
        ...intent(event, session),
        ...(decision?.facts ? { factsHash: factsHash(decision.facts) } : {}),
      },
      ...(decision ? { decisionId: decision.id } : {}),
    }),
    ...(decision ? { decision } : {}),
  };
}

/** The times and reasons of the session that its audit entries carry. */
function facts(session: Session): Record<string, unknown> {
  return {
    durationSeconds: session.request.durationSeconds,
    startBy: session.container?.startBy.toISOString(),
    extension: session.extension ? extensionFacts(session.extension) : undefined,
    deadline: session.deadlineAt?.toISOString(),
    endReason: session.endReason ?? undefined,
    endDetail: session.endDetail ?? undefined,
    requester: { iss: session.requester.iss, sub: session.requester.sub },
    breakGlass: session.request.breakGlass ? true : undefined,
  };
}

/** What is about to be sent to the cluster, for the steps after which it is: the very object, before anything is sent. */
function intent(event: SessionEvent, session: Session): Record<string, unknown> {
  const container = TO_BE_SENT[event]?.(session);
  return container ? { containerSpec: specTold(containerSpec(session, container)) } : {};
}

const TO_BE_SENT: Partial<Record<SessionEvent, (of: Session) => DebugContainer | null>> = {
  start: ({ container }) => container,
  extend: ({ extension }) => extension?.container ?? null,
};

/** The container that is about to be added. */
function extensionFacts({ container }: Extension): Record<string, unknown> {
  return {
    container: container.name,
    image: container.image,
    startBy: container.startBy.toISOString(),
    durationSeconds: container.durationSeconds,
  };
}
