import { randomUUID } from 'node:crypto';
import { evaluate, refuseUnseen } from '../domain/policy/evaluate.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { Facts } from '../domain/policy/facts.js';
import type { Grant, PolicySet } from '../domain/policy/policy.js';
import type { FieldError, Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import { newSessionId } from '../domain/session/session.js';
import type { Pin, Session, SessionRequest } from '../domain/session/session.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { GatherFacts } from './gather-facts.js';
import { Clock } from './ports/clock.js';
import type { ResolvedTarget } from './ports/cluster.js';
import { Clusters } from './ports/cluster.js';
import { PolicySource } from './ports/policy.source.js';
import type { DecisionRecord, IdempotencyKey, ReviewDebt, Step } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import { firstStep } from './session-step.js';

/** What a person sends; what is absent is filled in from the configuration where it says so. */
export type Ask = Pick<SessionRequest, 'namespace' | 'target' | 'reason'> &
  Partial<
    Pick<
      SessionRequest,
      'cluster' | 'container' | 'profile' | 'ticket' | 'durationSeconds' | 'start' | 'breakGlass'
    >
  >;

export interface AskLimits extends Bounds {
  readonly defaultDurationSeconds: number;
  readonly longestDurationSeconds: number;
}

export interface AskKey {
  readonly key: string;
  readonly requestHash: string;
}

/** Policy sets are switched, and limits reached, while somebody asks; after so many times it is not chance any more. */
const TRIES_MAX = 5;

/** What asking came to: a new session, or one that was there: of the same key, or like the one that was asked for. */
export interface Asking {
  readonly session: Session;
  readonly already: 'no' | 'same-key' | 'alike';
}

/** `ask`: makes a session pending, approved or denied, as policy says. */
export class RequestSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clusters: Clusters;
      readonly policies: PolicySource;
      readonly facts: GatherFacts;
      readonly clock: Clock;
      readonly limits: AskLimits;
    },
  ) {}

  /**
   * @param key makes asking again the same ask: the session of the first time is given back.
   * @returns the session, `denied` included; a problem where the request cannot be one: bad fields, no such target, a
   * target that cannot take a container, a cluster that does not answer. Policy is asked before the cluster, so that
   * nobody learns of Pods that policy would not let them debug.
   */
  async ask(caller: Caller, ask: Ask, key?: AskKey): Promise<Asking | Problem> {
    const person = personOf(caller);
    const idempotency = key && { iss: person.iss, sub: person.sub, ...key };
    for (let tries = 1; ; tries++) {
      const before = idempotency && (await this.replay(idempotency));
      if (before) return before;
      const step = await this.decide(caller, ask, idempotency);
      if (isProblem(step)) return step;
      const alike = step.session.state === 'denied' ? undefined : await this.alike(step.session);
      if (alike) return alike;
      const written = await this.deps.store.write(step);
      if (!isProblem(written)) return { session: written, already: 'no' };
      if (tries === TRIES_MAX) return written;
      // Another request was quicker, or the policy set was switched: what was read is old.
      await this.deps.policies.refresh();
    }
  }

  private async decide(
    caller: Caller,
    ask: Ask,
    idempotency: IdempotencyKey | undefined,
  ): Promise<Step | Problem> {
    const blocked = this.deps.policies.blocked();
    if (blocked) return blocked;
    const set = this.deps.policies.current();
    const request = this.complete(ask, set);
    if (isProblem(request)) return request;

    const unseen = await this.deps.facts.unseen(caller, request, set);
    const refusal = refuseUnseen(set, unseen);
    if (refusal) {
      return this.firstStepOf({
        caller,
        request,
        decision: refusal,
        pin: null,
        facts: unseen,
        idempotency,
      });
    }
    const resolved = await this.resolve(request);
    if (isProblem(resolved)) return resolved;
    const facts = await this.deps.facts.seen(caller, unseen, resolved);
    const decision = evaluate(set, facts);
    const pin = decision.verdict === 'refuse' ? null : resolved.pin;
    return this.firstStepOf({ caller, request, decision, pin, facts, idempotency });
  }

  private async alike(session: Session): Promise<Asking | undefined> {
    const found = await this.deps.store.findAlike(session);
    return found && { session: found, already: 'alike' };
  }

  private async replay(key: IdempotencyKey): Promise<Asking | Problem | undefined> {
    const found = await this.deps.store.findByKey(key);
    if (!found) return undefined;
    if (found.requestHash === key.requestHash) {
      return { session: found.session, already: 'same-key' };
    }
    return problem(
      'idempotency-mismatch',
      `The key "${key.key}" already stands for the session ${found.session.id}, which was asked for in other words. Use a new key for a new request.`,
    );
  }

  private complete(ask: Ask, set: PolicySet): SessionRequest | Problem {
    const { limits, clusters } = this.deps;
    const errors: FieldError[] = [];
    const cluster = ask.cluster ?? only(clusters.list().map(({ name }) => name));
    if (cluster === undefined) {
      errors.push({ path: '/cluster', message: 'is required: there is more than one cluster' });
    }
    const profile = ask.profile ?? only(set.profiles.map(({ name }) => name));
    if (profile === undefined) {
      errors.push({ path: '/profile', message: 'is required: there is more than one profile' });
    }
    const durationSeconds = ask.durationSeconds ?? limits.defaultDurationSeconds;
    if (durationSeconds > limits.longestDurationSeconds) {
      errors.push({
        path: '/durationSeconds',
        message: `must be ${limits.longestDurationSeconds} or less: no session here is longer`,
      });
    }
    if (cluster === undefined || profile === undefined || errors.length > 0) {
      return problem('invalid-fields', 'Correct the fields named in "errors" and ask again.', {
        errors,
      });
    }
    return {
      cluster,
      namespace: ask.namespace,
      target: ask.target,
      profile,
      reason: ask.reason,
      durationSeconds,
      start: ask.start ?? 'on-approval',
      breakGlass: ask.breakGlass ?? false,
      ...(ask.container === undefined ? {} : { container: ask.container }),
      ...(ask.ticket === undefined ? {} : { ticket: ask.ticket }),
    };
  }

  private async resolve(request: SessionRequest): Promise<ResolvedTarget | Problem> {
    const { cluster, namespace, target, container } = request;
    if (!this.deps.clusters.list().some(({ name }) => name === cluster)) {
      return problem(
        'target-not-found',
        `There is no cluster "${cluster}". GET /v1/clusters lists them.`,
      );
    }
    return this.deps.clusters.resolve({
      cluster,
      namespace,
      target,
      ...(container === undefined ? {} : { container }),
    });
  }

  private firstStepOf(args: {
    caller: Caller;
    request: SessionRequest;
    decision: PolicyDecision;
    pin: Pin | null;
    facts: Facts;
    idempotency: IdempotencyKey | undefined;
  }): Step {
    const { caller, request, decision, pin, facts, idempotency } = args;
    const { limits, clock } = this.deps;
    const at = clock.now();
    const grant = decision.verdict === 'refuse' ? null : decision.grant;
    const row = grant?.breakGlass ? BROKEN_GLASS : ROWS[decision.verdict];
    const lapseSeconds =
      row.event === 'ask' ? limits.pendingLapseSeconds : limits.approvedLapseSeconds;
    const session: Session = {
      id: newSessionId(),
      version: 1,
      state: row.state,
      requester: personOf(caller),
      request,
      pin,
      grant,
      container: null,
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
      decision: decisionRecord(decision, facts, at),
      data: { explanation: decision.explanation },
      ...(idempotency ? { idempotency } : {}),
    });
    const { perPerson, perPod } = grant?.terms.concurrent ?? { perPerson: null, perPod: null };
    return {
      ...step,
      guard: { policyHash: hashOf(decision), perPerson, perPod },
      ...(grant?.breakGlass ? { debt: debtOf(grant, at) } : {}),
    };
  }
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

function decisionRecord(decision: PolicyDecision, facts: Facts, at: Date): DecisionRecord {
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
    seenVersion: null,
    facts,
    at,
  };
}

/** The only element, where there is exactly one. */
function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
