import type { Facts, OnCallFacts } from '../domain/policy/facts.js';
import { NO_SESSIONS } from '../domain/policy/facts.js';
import type { PolicySet } from '../domain/policy/policy.js';
import type { SessionId, SessionRequest } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import type { ResolvedTarget } from './ports/cluster.js';
import { History } from './ports/history.js';
import { OnCall } from './ports/on-call.js';

/** Gathers what policy may look at, before and after the cluster was asked. */
export class GatherFacts {
  constructor(
    private readonly deps: {
      readonly history: History;
      readonly onCall: OnCall;
      readonly clock: Clock;
    },
  ) {}

  /**
   * All that can be known without the cluster.
   *
   * @param without a session that is not counted: the one that is to be extended.
   */
  async unseen(
    caller: Caller,
    request: SessionRequest,
    set: PolicySet,
    without?: SessionId,
  ): Promise<Facts> {
    const now = this.deps.clock.now();
    const [history, onCall] = await Promise.all([
      this.deps.history.of({ person: personOf(caller), on: null, now, ...but(without) }),
      this.onCall(caller, request, set),
    ]);
    return {
      requester: requesterFacts(caller, now),
      target: { cluster: request.cluster, namespace: request.namespace, found: null },
      request: {
        profile: request.profile,
        container: request.container ?? '',
        durationSeconds: request.durationSeconds,
        reason: request.reason,
        ticket: request.ticket ?? '',
        channel: caller.actor.channel,
        breakGlass: request.breakGlass,
      },
      history: { ...history, target: NO_SESSIONS },
      onCall,
      now,
    };
  }

  /** The same with what the cluster said. */
  async seen(
    caller: Caller,
    unseen: Facts,
    { pin, facts }: ResolvedTarget,
    without?: SessionId,
  ): Promise<Facts> {
    const { cluster } = unseen.target;
    if (pin === null) return withTarget(unseen, facts);
    const history = await this.deps.history.of({
      person: personOf(caller),
      on: { cluster, podUid: pin.podUid },
      now: unseen.now,
      ...but(without),
    });
    return withTarget({ ...unseen, history }, facts);
  }

  /**
   * Only the sources that a rule which could apply looks at are asked, by who asks and where. No condition of another rule
   * is tested or told of; of these it may be later, when times of day have passed (see `accessRemoved`).
   */
  private async onCall(
    caller: Caller,
    request: SessionRequest,
    set: PolicySet,
  ): Promise<OnCallFacts> {
    const { iss, sub, groups } = personOf(caller);
    const wanted = new Set(
      set.index
        .candidates({ issuer: iss, subject: sub, groups }, request.namespace)
        .flatMap(({ when }) => [...(when?.onCallSources ?? [])]),
    );
    if (wanted.size === 0) return {};
    const sources = set.onCallSources.filter(({ name }) => wanted.has(name));
    return this.deps.onCall.factsFor(sources, personOf(caller));
  }
}

function but(without: SessionId | undefined): { readonly without?: SessionId } {
  return without === undefined ? {} : { without };
}

function withTarget(facts: Facts, found: NonNullable<Facts['target']['found']>): Facts {
  return { ...facts, target: { ...facts.target, found } };
}

/** Who asks, as policy sees them. */
export function requesterFacts(caller: Caller, now: Date): Facts['requester'] {
  const { iss, sub, email = '', groups } = personOf(caller);
  const { acr = '', amr = [], authTime, claims = {} } = caller.actor.signIn;
  return {
    issuer: iss,
    subject: sub,
    email,
    groups,
    claims,
    acr,
    amr,
    authAgeSeconds: authTime === undefined ? null : ageOf(authTime, now),
  };
}

/** How far an issuer's clock may run before ours. */
const SKEW_SECONDS = 60;

/** Unknown for a sign-in that is yet to come: who claims that has not signed in just now. */
function ageOf(authTime: number, now: Date): number | null {
  const age = Math.floor(now.getTime() / 1000) - authTime;
  return age < -SKEW_SECONDS ? null : Math.max(0, age);
}
