import { decideFound, refuseUnseen } from '../domain/policy/evaluate.js';
import type { PolicySet } from '../domain/policy/policy.js';
import type { FieldError, Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import type { Session, SessionRequest } from '../domain/session/session.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { AskGate } from './ask-gate.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { Decided } from './decided-step.js';
import { decidedStep } from './decided-step.js';
import { GatherFacts } from './gather-facts.js';
import { Clock } from './ports/clock.js';
import type { ResolvedTarget } from './ports/cluster.js';
import { Clusters } from './ports/cluster.js';
import { PolicySource } from './ports/policy.source.js';
import type { IdempotencyKey, Likeness, Step } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import type { SpanFacts, Tracer } from './ports/tracer.js';
import { UNTRACED } from './ports/tracer.js';
import type { Standing } from './rate.limiter.js';

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
      /** Left out: everybody is let in. */
      readonly gate?: AskGate;
      /** Left out: nobody follows. */
      readonly tracer?: Tracer;
    },
  ) {}

  /** What is left to a caller of how often they may ask. */
  standings(caller: Caller): Standing[] {
    return this.deps.gate?.standings(caller) ?? [];
  }

  /**
   * @param key makes asking again the same ask: the session of the first time is given back.
   * @returns the session, `denied` included; an open one of theirs that is like what they ask for, instead of a second;
   * a problem where the request cannot be one: bad fields, no such target, a target that cannot take a container, a
   * cluster that does not answer. Policy is heard first without the cluster, then with the namespace, then with the
   * Pod: whether a Pod is there is told only to those whom some rule might let into its namespace, and why it can take
   * no container only to those whom policy would let into it. `too-many-requests` and `too-busy` before all else.
   */
  async ask(caller: Caller, ask: Ask, key?: AskKey): Promise<Asking | Problem> {
    const place = this.deps.gate?.enter(caller, this.knownCluster(ask));
    if (isProblem(place)) return place;
    using _given = place;
    return await this.asked(caller, ask, key);
  }

  /** Whose askers are counted together: names that there are not must not have places of their own. */
  private knownCluster({ cluster }: Ask): string {
    const names = this.deps.clusters.list().map(({ name }) => name);
    return (
      names.find((name) => name === cluster) ?? (cluster === undefined ? only(names) : '') ?? ''
    );
  }

  private async asked(caller: Caller, ask: Ask, key?: AskKey): Promise<Asking | Problem> {
    const person = personOf(caller);
    const idempotency = key && { iss: person.iss, sub: person.sub, ...key };
    for (let tries = 1; ; tries++) {
      const before = idempotency && (await this.replay(idempotency));
      if (before) return before;
      const step = await this.decideInTrace(caller, ask, idempotency);
      if (isProblem(step)) return step;
      if ('already' in step) {
        // Of several with one key at once, those that come later are told so, though they are alike too.
        return (idempotency && (await this.replay(idempotency))) ?? step;
      }
      const written = await this.deps.store.write(step);
      if (!isProblem(written)) return { session: written, already: 'no' };
      if (tries === TRIES_MAX) return written;
      // Another request was quicker, or the policy set was switched: what was read is old.
      await this.deps.policies.refresh();
    }
  }

  private async decideInTrace(
    ...asked: Parameters<RequestSession['decide']>
  ): Promise<Step | Asking | Problem> {
    const { tracer = UNTRACED } = this.deps;
    return tracer.run('session.decide', {}, async (span) => {
      const step = await this.decide(...asked);
      if (!isProblem(step)) span.note(decisionFacts(step));
      return step;
    });
  }

  private async decide(
    caller: Caller,
    ask: Ask,
    idempotency: IdempotencyKey | undefined,
  ): Promise<Step | Asking | Problem> {
    const blocked = this.deps.policies.blocked();
    if (blocked) return blocked;
    const set = this.deps.policies.current();
    const request = this.complete(ask, set);
    if (isProblem(request)) return request;
    const requester = personOf(caller);
    // Before policy, which would count the session that is there against the limits of its own terms.
    const [asAsked, unseen] = await Promise.all([
      this.alike({ requester, request, pin: null }),
      this.deps.facts.unseen(caller, request, set),
    ]);
    if (asAsked) return asAsked;

    const refusal = refuseUnseen(set, unseen);
    if (refusal) {
      return this.firstStep({
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
    const [asFound, facts] = await Promise.all([
      resolved.pin && this.alike({ requester, request, pin: resolved.pin }),
      this.deps.facts.seen(caller, unseen, resolved),
    ]);
    if (asFound) return asFound;
    const decided = decideFound(set, facts);
    if (resolved.unfit && decided?.verdict !== 'refuse') return resolved.unfit;
    const decision = invariant(decided, 'a Pod was found, and policy has nothing to say');
    const pin = decision.verdict === 'refuse' ? null : resolved.pin;
    return this.firstStep({ caller, request, decision, pin, facts, idempotency });
  }

  private firstStep(args: Omit<Decided, 'at' | 'bounds'>): Step {
    const { clock, limits } = this.deps;
    return decidedStep({ ...args, at: clock.now(), bounds: limits });
  }

  private async alike(likeness: Likeness): Promise<Asking | undefined> {
    const found = await this.deps.store.findAlike(likeness);
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
}

/** What is told of what policy said. */
function decisionFacts(step: Step | Asking): SpanFacts {
  if ('already' in step) return { session: step.session.id };
  const { verdict, rule, policyHash } = step.decision ?? {};
  return {
    session: step.session.id,
    ...(verdict ? { verdict } : {}),
    ...(rule ? { rule } : {}),
    ...(policyHash ? { policySet: policyHash } : {}),
  };
}

/** The only element, where there is exactly one. */
function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
