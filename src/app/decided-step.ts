import { randomUUID } from 'node:crypto';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { Facts } from '../domain/policy/facts.js';
import type { Grant } from '../domain/policy/policy.js';
import { invariant } from '../domain/problem.js';
import { newSessionId } from '../domain/session/session.js';
import type { Pin, Session, SessionRequest } from '../domain/session/session.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { DecisionRecord, IdempotencyKey, ReviewDebt, Step } from './ports/session.store.js';
import { firstStep } from './session-step.js';

/** A request, what policy said to it, and from what. */
export interface Decided {
  readonly caller: Caller;
  readonly request: SessionRequest;
  readonly decision: PolicyDecision;
  /** Null where policy refused. */
  readonly pin: Pin | null;
  readonly facts: Facts;
  readonly idempotency: IdempotencyKey | undefined;
  readonly at: Date;
  readonly bounds: Bounds;
}

/** The first step of the session that policy's word makes of a request, with all that is written with it. */
export function decidedStep(args: Decided): Step {
  const { caller, request, decision, pin, facts, idempotency, at, bounds } = args;
  const grant = decision.verdict === 'refuse' ? null : decision.grant;
  const row = grant?.breakGlass ? BROKEN_GLASS : ROWS[decision.verdict];
  const lapseSeconds =
    row.event === 'ask' ? bounds.pendingLapseSeconds : bounds.approvedLapseSeconds;
  const session: Session = {
    id: newSessionId(),
    version: 1,
    state: row.state,
    requester: personOf(caller),
    request,
    pin,
    grant,
    container: null,
    extension: null,
    extensions: 0,
    formerContainers: [],
    traceparent: caller.actor.traceparent ?? null,
    createdAt: at,
    updatedAt: at,
    lapsesAt: decision.verdict === 'refuse' ? null : new Date(at.getTime() + lapseSeconds * 1000),
    escalatedAt: null,
    startingAt: null,
    startedAt: null,
    deadlineAt: null,
    endingAt: null,
    endedAt: null,
    endReason: null,
    endDetail: decision.verdict === 'refuse' ? decision.explanation.join(' ') : null,
  };
  const step = firstStep({
    session,
    event: row.event,
    capacities: ['requester'],
    actor: caller.actor,
    at,
    outcome: decision.verdict === 'refuse' ? 'denied' : 'success',
    decision: policyRecord(decision, { facts, at, seenVersion: null }),
    data: {
      explanation: decision.explanation,
      // A refusal leaves no grant that would say it.
      ...(decision.verdict === 'refuse'
        ? { policy: decision.policyHash, rule: decision.rule }
        : {}),
    },
    ...(idempotency ? { idempotency } : {}),
  });
  const { perPerson, perPod } = grant?.terms.concurrent ?? { perPerson: null, perPod: null };
  return {
    ...step,
    guard: { policyHash: hashOf(decision), perPerson, perPod },
    ...(grant?.breakGlass ? { debt: debtOf(grant, at) } : {}),
  };
}

function hashOf(decision: PolicyDecision): string {
  return decision.verdict === 'refuse' ? decision.policyHash : decision.grant.policyHash;
}

/** The review that is owed from now on. */
function debtOf({ terms }: Grant, at: Date): ReviewDebt {
  const { review, debt } = invariant(terms.breakGlass, 'glass broken that no rule let be broken');
  return {
    team: debt.of === 'team' ? debt.team : null,
    dueAt: new Date(at.getTime() + review.withinSeconds * 1000),
  };
}

/** What policy's verdict makes of a new session. */
const ROWS = {
  grant: { event: 'grant', state: 'approved' },
  hold: { event: 'ask', state: 'pending' },
  refuse: { event: 'refuse', state: 'denied' },
} as const;
const BROKEN_GLASS = { event: 'break-glass', state: 'approved' } as const;

/** What policy said, as it is kept: of a session that is there, with the version that it was said of. */
export function policyRecord(
  decision: PolicyDecision,
  {
    facts,
    at,
    seenVersion,
  }: Pick<DecisionRecord, 'at' | 'seenVersion'> & { readonly facts: Facts },
): DecisionRecord {
  const refused = decision.verdict === 'refuse';
  return {
    id: randomUUID(),
    by: 'policy',
    verdict: decision.verdict,
    person: null,
    comment: null,
    rule: refused ? decision.rule : decision.grant.rule,
    policyHash: hashOf(decision),
    explanation: decision.explanation,
    seenVersion,
    facts,
    at,
  };
}
