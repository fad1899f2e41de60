import type { Actor, Person } from '../../domain/person.js';
import type { Facts } from '../../domain/policy/facts.js';
import type { Grant } from '../../domain/policy/policy.js';
import { PROFILE_OF_OLD, TERMS_OF_OLD } from '../../domain/policy/policy.js';
import type { EndReason, SessionEvent, State } from '../../domain/session/session.machine.js';
import { concernedPeople } from '../../domain/session/session.js';
import { parseTraceparent } from '../../domain/traceparent.js';
import type {
  Consent,
  DebugContainer,
  Extension,
  FormerContainer,
  Pin,
  Session,
  SessionId,
  SessionRequest,
  Target,
} from '../../domain/session/session.js';
import type {
  DecisionRecord,
  Likeness,
  ReviewDebt,
  Step,
  StepRecord,
} from '../../app/ports/session.store.js';
import type * as models from './generated/models.js';

/*
 * Between rows and the domain, by hand and in one place: ORM types stop here. What is read was written by this same
 * file under the database's checks, so JSON columns are taken at their word.
 */

/** Columns that serve to find sessions, and say nothing that their JSON does not. */
type Finding =
  | 'leaseOwner'
  | 'leaseUntil'
  | 'dueAt'
  | 'requesterHuman'
  | 'profile'
  | 'targetKey'
  | 'targetContainer'
  | 'podUid'
  | 'breakGlass'
  | 'approverUsers';
export type SessionRow = Omit<models.SessionModel, Finding>;

export function sessionOf(row: SessionRow): Session {
  return {
    id: row.id as SessionId,
    version: row.version,
    state: row.state as State,
    requester: row.requester as unknown as Person,
    request: row.request as unknown as SessionRequest,
    pin: row.pin as Pin | null,
    grant: grantOf(row.grant),
    container: containerOf(row.container),
    extension: extensionOf(row.extension),
    extensions: row.extensions,
    formerContainers: formerOf(row.formerContainers),
    traceparent: parseTraceparent(row.traceparent) ?? null,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    lapsesAt: row.lapsesAt,
    escalatedAt: row.escalatedAt,
    startingAt: row.startingAt,
    startedAt: row.startedAt,
    deadlineAt: row.deadlineAt,
    endingAt: row.endingAt,
    endedAt: row.endedAt,
    endReason: row.endReason as EndReason | null,
    endDetail: row.endDetail,
  };
}

/** A grant as it was frozen; what grants did not say then is filled in. */
export function grantOf(json: unknown): Grant | null {
  const stored = json as Grant | null;
  return (
    stored && {
      ...stored,
      terms: { ...TERMS_OF_OLD, ...stored.terms },
      profile: { ...PROFILE_OF_OLD, ...stored.profile },
    }
  );
}

type StoredContainer = Omit<DebugContainer, 'startBy'> & { readonly startBy: string };

function containerOf(json: unknown): DebugContainer | null {
  const stored = json as StoredContainer | null;
  return stored && { ...stored, startBy: new Date(stored.startBy) };
}

function extensionOf(json: unknown): Extension | null {
  const stored = json as {
    readonly container: Extension['container'] & StoredContainer;
    readonly askedAt: string;
  } | null;
  return (
    stored && {
      container: { ...stored.container, startBy: new Date(stored.container.startBy) },
      askedAt: new Date(stored.askedAt),
    }
  );
}

function formerOf(json: unknown): FormerContainer[] {
  const stored = json as readonly { container: StoredContainer; endFrom: string }[];
  return stored.map(({ container, endFrom }) => ({
    container: { ...container, startBy: new Date(container.startBy) },
    endFrom: new Date(endFrom),
  }));
}

/** A session as the columns of `sessions`, for `jsonb_populate_record`. */
export function sessionColumns(session: Session, dueAt: Date | null): Record<string, unknown> {
  const people = concernedPeople(session);
  return {
    id: session.id,
    version: session.version,
    state: session.state,
    cluster: session.request.cluster,
    namespace: session.request.namespace,
    requester_iss: session.requester.iss,
    requester_sub: session.requester.sub,
    requester_human: session.requester.human ?? null,
    requester: session.requester,
    request: session.request,
    ...likenessOf(session),
    pin: session.pin,
    policy_hash: session.grant?.policyHash ?? null,
    grant: session.grant,
    approver_groups: people.groups,
    approver_users: people.users,
    container: session.container,
    extension: session.extension,
    extensions: session.extensions,
    former_containers: session.formerContainers,
    traceparent: session.traceparent,
    created_at: session.createdAt,
    updated_at: session.updatedAt,
    lapses_at: session.lapsesAt,
    escalated_at: session.escalatedAt,
    starting_at: session.startingAt,
    started_at: session.startedAt,
    deadline_at: session.deadlineAt,
    ending_at: session.endingAt,
    ended_at: session.endedAt,
    end_reason: session.endReason,
    end_detail: session.endDetail,
    due_at: dueAt,
  };
}

/** What makes two requests of one account alike. */
export function likenessOf({ request, pin }: Pick<Likeness, 'request' | 'pin'>) {
  return {
    profile: request.profile,
    target_key: targetKey(request.target),
    target_container: request.container ?? '',
    pod_uid: pin?.podUid ?? null,
    break_glass: request.breakGlass,
  };
}

function targetKey(target: Target): string {
  return target.kind === 'pod' ? `Pod/${target.name}` : `${target.workload}/${target.name}`;
}

export function debtColumns(debt: ReviewDebt, session: Session): Record<string, unknown> {
  const { iss, sub, human = null } = session.requester;
  return {
    session_id: session.id,
    iss,
    sub,
    human,
    team: debt.team,
    due_at: debt.dueAt,
    at: session.createdAt,
  };
}

export function eventColumns(step: Step): Record<string, unknown> {
  const { session } = step;
  return {
    session_id: session.id,
    seq: session.version,
    prev_seq: session.version === 1 ? null : session.version - 1,
    from_state: step.from,
    event: step.event,
    to_state: session.state,
    at: step.at,
    actor: plainActor(step.actor),
    data: step.data ?? {},
  };
}

/** Claims are for policy to look at: they are kept with its decision, and not with every act. */
function plainActor(actor: Actor): Actor {
  if (actor.kind === 'system') return actor;
  const { claims: _, ...signIn } = actor.signIn;
  return { ...actor, signIn };
}

export function decisionColumns(decision: DecisionRecord, sessionId: SessionId) {
  return {
    id: decision.id,
    session_id: sessionId,
    by: decision.by,
    verdict: decision.verdict,
    iss: decision.person?.iss ?? null,
    sub: decision.person?.sub ?? null,
    person: decision.person,
    comment: decision.comment,
    rule: decision.rule,
    policy_hash: decision.policyHash,
    explanation: decision.explanation,
    seen_version: decision.seenVersion,
    facts: decision.facts,
    at: decision.at,
  };
}

export function auditColumns({ audit }: Pick<Step, 'audit'>): Record<string, unknown> {
  return {
    id: audit.id,
    at: audit.at,
    action: audit.action,
    session_id: audit.sessionId,
    body: `\\x${audit.body.toString('hex')}`,
    leaf_hash: `\\x${audit.leafHash.toString('hex')}`,
  };
}

export function stepRecordOf(row: models.SessionEventModel): StepRecord {
  return {
    seq: row.seq,
    event: row.event as SessionEvent,
    from: row.fromState as State | 'new',
    to: row.toState as State,
    at: row.at,
    actor: row.actor as unknown as Actor,
    data: row.data as Record<string, unknown>,
  };
}

export function decisionOf(row: models.DecisionModel): DecisionRecord {
  return {
    id: row.id,
    by: row.by as DecisionRecord['by'],
    verdict: row.verdict as DecisionRecord['verdict'],
    person: row.person as Person | null,
    comment: row.comment,
    rule: row.rule,
    policyHash: row.policyHash,
    explanation: row.explanation as string[],
    seenVersion: row.seenVersion,
    facts: factsOf(row.facts),
    at: row.at,
  };
}

/** What policy decided from, as it was then. */
export function factsOf(json: unknown): Facts | null {
  const stored = json as (Omit<Facts, 'now'> & { now: string }) | null;
  return stored && { ...stored, now: new Date(stored.now) };
}

/** A person's word, and what the newest token said of them; null where none is known. */
export type WordRow = Pick<models.DecisionModel, 'person' | 'verdict' | 'comment' | 'at'> & {
  readonly now: unknown;
};

export function consentOf(row: WordRow): Consent {
  return {
    person: { ...(row.person as unknown as Person), ...(row.now as Person | null) },
    verdict: row.verdict as Consent['verdict'],
    at: row.at,
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}
