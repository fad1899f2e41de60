import { randomUUID } from 'node:crypto';
import { evaluate } from '../domain/policy/evaluate.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { PolicySet } from '../domain/policy/policy.js';
import type { FieldError, Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { newSessionId } from '../domain/session/session.js';
import type { Pin, Session, SessionRequest } from '../domain/session/session.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import { Clusters } from './ports/cluster.js';
import { PolicySource } from './ports/policy.source.js';
import type { DecisionRecord, IdempotencyKey } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import { firstStep } from './session-step.js';

/** What a person sends; what is absent is filled in from the configuration where it says so. */
export type Ask = Pick<SessionRequest, 'namespace' | 'target' | 'reason'> &
  Partial<
    Pick<
      SessionRequest,
      'cluster' | 'container' | 'profile' | 'ticket' | 'durationSeconds' | 'start'
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

/** `ask`: makes a session pending, approved or denied, as policy says. */
export class RequestSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clusters: Clusters;
      readonly policies: PolicySource;
      readonly clock: Clock;
      readonly limits: AskLimits;
    },
  ) {}

  /**
   * @param key makes asking again the same ask: the session of the first time is given back (`replayed`).
   * @returns the session, `denied` included; a problem where the request cannot be one: bad fields, no such target, a
   * target that cannot take a container, a cluster that does not answer. Policy is asked before the cluster, so that
   * nobody learns of Pods that policy would not let them debug.
   */
  async ask(
    caller: Caller,
    ask: Ask,
    key?: AskKey,
  ): Promise<{ session: Session; replayed: boolean } | Problem> {
    const person = personOf(caller);
    const idempotency = key && { iss: person.iss, sub: person.sub, ...key };
    const before = idempotency && (await this.replay(idempotency));
    if (before) return before;

    const set = this.deps.policies.current();
    const request = this.complete(ask, set);
    if (isProblem(request)) return request;

    const decision = evaluate(set, person, request);
    const pin = decision.verdict === 'refuse' ? null : await this.resolve(request);
    if (isProblem(pin)) return pin;

    const step = this.firstStepOf({ caller, request, decision, pin, idempotency });
    const written = await this.deps.store.write(step);
    if (!isProblem(written)) return { session: written, replayed: false };
    // Another request with the same key was quicker: its session is the answer to this one too.
    const first = idempotency && (await this.replay(idempotency));
    return first ?? written;
  }

  private async replay(
    key: IdempotencyKey,
  ): Promise<{ session: Session; replayed: true } | Problem | undefined> {
    const found = await this.deps.store.findByKey(key);
    if (!found) return undefined;
    if (found.requestHash === key.requestHash) return { session: found.session, replayed: true };
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
      ...(ask.container === undefined ? {} : { container: ask.container }),
      ...(ask.ticket === undefined ? {} : { ticket: ask.ticket }),
    };
  }

  private async resolve(request: SessionRequest): Promise<Pin | Problem> {
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
    idempotency: IdempotencyKey | undefined;
  }) {
    const { caller, request, decision, pin, idempotency } = args;
    const { limits, clock } = this.deps;
    const at = clock.now();
    const row = ROWS[decision.verdict];
    const lapseSeconds =
      row.event === 'ask' ? limits.pendingLapseSeconds : limits.approvedLapseSeconds;
    const session: Session = {
      id: newSessionId(),
      version: 1,
      state: row.state,
      requester: personOf(caller),
      request,
      pin,
      grant: decision.verdict === 'refuse' ? null : decision.grant,
      container: null,
      createdAt: at,
      updatedAt: at,
      lapsesAt: decision.verdict === 'refuse' ? null : new Date(at.getTime() + lapseSeconds * 1000),
      startingAt: null,
      startedAt: null,
      deadlineAt: null,
      endingAt: null,
      endedAt: null,
      endReason: null,
      endDetail: decision.verdict === 'refuse' ? decision.explanation.join(' ') : null,
    };
    return firstStep({
      session,
      event: row.event,
      capacities: ['requester'],
      actor: caller.actor,
      at,
      outcome: decision.verdict === 'refuse' ? 'denied' : 'success',
      decision: decisionRecord(decision, at),
      data: { explanation: decision.explanation },
      ...(idempotency ? { idempotency } : {}),
    });
  }
}

/** What policy's verdict makes of a new session. */
const ROWS = {
  grant: { event: 'grant', state: 'approved' },
  hold: { event: 'ask', state: 'pending' },
  refuse: { event: 'refuse', state: 'denied' },
} as const;

function decisionRecord(decision: PolicyDecision, at: Date): DecisionRecord {
  const refused = decision.verdict === 'refuse';
  return {
    id: randomUUID(),
    by: 'policy',
    verdict: decision.verdict,
    person: null,
    comment: null,
    rule: refused ? decision.rule : decision.grant.rule,
    policyHash: refused ? decision.policyHash : decision.grant.policyHash,
    explanation: decision.explanation,
    seenVersion: null,
    at,
  };
}

/** The only element, where there is exactly one. */
function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
