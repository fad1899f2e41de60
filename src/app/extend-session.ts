import { auditEntry } from '../domain/audit/entry.js';
import { quorum } from '../domain/approval/quorum.js';
import { newest } from '../domain/person.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import { decideFound, refuseUnseen } from '../domain/policy/evaluate.js';
import type { Facts } from '../domain/policy/facts.js';
import { factsHash } from '../domain/policy/facts.hash.js';
import type { Grant } from '../domain/policy/policy.js';
import { requirementsOf } from '../domain/policy/policy.js';
import { requirementText } from '../domain/policy/words.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import { extensionOf, whyNotExtended } from '../domain/session/extension.js';
import { eventOf } from '../domain/session/session.machine.js';
import { standing } from '../domain/session/session.js';
import type { Session, SessionId, SessionRequest } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { callerCapacities, maySee, personOf } from './caller.js';
import { changed } from './decide-session.js';
import { policyRecord } from './decided-step.js';
import { GatherFacts } from './gather-facts.js';
import { NotePerson } from './note-person.js';
import { AuditLog } from './ports/audit.log.js';
import { Clock } from './ports/clock.js';
import { Clusters } from './ports/cluster.js';
import { People } from './ports/people.js';
import { PolicySource } from './ports/policy.source.js';
import type { IdempotencyKey, Step } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';
import type { AskLimits } from './request-session.js';
import { stepOf } from './session-step.js';

/** Policy sets are switched, and sessions change, while somebody asks; after so many times it is not chance any more. */
const TRIES_MAX = 5;

export interface ExtendWish {
  /** For how long the new container holds, from its start. */
  readonly durationSeconds: number;
  /** Left out: the reason that the session was asked for with. */
  readonly reason?: string;
  readonly seenVersion?: number;
}

interface Granted {
  readonly decision: Exclude<PolicyDecision, { verdict: 'refuse' }>;
  readonly facts: Facts;
}

/** `extend`: another container for a session that is active, on what policy says now. */
export class ExtendSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clusters: Clusters;
      readonly policies: PolicySource;
      readonly facts: GatherFacts;
      readonly people: People;
      readonly note: NotePerson;
      readonly log: AuditLog;
      readonly clock: Clock;
      readonly limits: Pick<AskLimits, 'startDeadlineSeconds' | 'longestDurationSeconds'>;
    },
  ) {}

  /**
   * How often and for how long is in the terms that the session was granted. Whether it is granted is asked of policy
   * anew: the same request, on the Pod as it is now, without this session among those that are counted. Where that needs
   * consents, those that stand must meet it.
   *
   * @param key makes sending it again the same extension.
   * @returns the session, which is being extended; `not-found`, `forbidden`, `changed-since-seen`, `illegal-transition`,
   * `invalid-fields` for a duration that cannot be, `extension-refused` by terms or policy, and what the cluster says
   * against the Pod.
   */
  async extend(
    caller: Caller,
    id: SessionId,
    wish: ExtendWish,
    key?: { readonly key: string; readonly requestHash: string },
  ): Promise<{ readonly session: Session; readonly already: boolean } | Problem> {
    const { store, policies, note } = this.deps;
    const { iss, sub } = personOf(caller);
    const idempotency = key && { iss, sub, ...key };
    for (let tries = 1; ; tries++) {
      const before = idempotency && (await this.replay(id, idempotency));
      if (before) return isProblem(before) ? before : { session: before, already: true };
      const session = await store.find(id);
      if (!session || !maySee(caller, session)) return absent(id);
      const refusal = this.refusal(caller, session, wish);
      if (refusal) return refusal;
      await note.note(caller);
      const granted = await this.decide(caller, session, wish);
      if (isProblem(granted)) return granted;
      const written = await store.write(this.step(caller, session, { wish, granted, idempotency }));
      if (!isProblem(written)) return { session: written, already: false };
      if (written.problem !== 'write-conflict' || tries === TRIES_MAX) return written;
      await policies.refresh();
    }
  }

  private refusal(caller: Caller, session: Session, wish: ExtendWish): Problem | undefined {
    const { id, state, version } = session;
    const capacities = callerCapacities(caller, session);
    if (!capacities.includes('requester')) {
      return problem('forbidden', 'Only the requester extends a session.');
    }
    if (wish.seenVersion !== undefined && wish.seenVersion !== version) return changed(id);
    if (!eventOf(state, 'extend', capacities)) {
      const when =
        state === 'ending' || state === 'ended' || state === 'denied' ? 'any more' : 'yet';
      return problem(
        'illegal-transition',
        `The session ${id} is ${state}: there is nothing to extend ${when}.`,
      );
    }
    return whyNotExtended(session, wish.durationSeconds, {
      now: this.deps.clock.now(),
      longestSeconds: this.deps.limits.longestDurationSeconds,
    });
  }

  /** What policy says now, if it is not a no. */
  private async decide(
    caller: Caller,
    session: Session,
    wish: ExtendWish,
  ): Promise<Granted | Problem> {
    const { policies, clusters, facts: gather } = this.deps;
    const blocked = policies.blocked();
    if (blocked) return blocked;
    const set = policies.current();
    const { request, id } = session;
    const pin = invariant(session.pin, 'an active session without a Pod');
    const asked: SessionRequest = {
      ...request,
      target: { kind: 'pod', name: pin.podName },
      durationSeconds: wish.durationSeconds,
      reason: wish.reason ?? request.reason,
    };
    const unseen = await gather.unseen(caller, asked, set, id);
    const early = refuseUnseen(set, unseen);
    if (early) return this.refused(caller, session, { decision: early, facts: unseen });

    const { cluster, namespace, target, container } = asked;
    const resolved = await clusters.resolve({
      cluster,
      namespace,
      target,
      ...(container === undefined ? {} : { container }),
    });
    if (isProblem(resolved)) return resolved;
    if (resolved.unfit) return resolved.unfit;
    if (resolved.pin?.podUid !== pin.podUid) {
      return problem(
        'target-changed',
        `The Pod "${pin.podName}" is not the one that the session ${id} is in.`,
      );
    }
    const facts = await gather.seen(caller, unseen, resolved, id);
    const decision = invariant(decideFound(set, facts), 'a Pod was found, and policy says nothing');
    if (decision.verdict === 'refuse') return this.refused(caller, session, { decision, facts });
    const open = await this.openConsents(session, decision.grant);
    if (open.length === 0) return { decision, facts };
    const needs = `it needs the consent of ${open.join(', and ')}, and those that were given do not meet that`;
    return this.refused(caller, session, { decision, facts, needs });
  }

  /** What the consents that stand, by the groups of today, leave open of what a grant of today asks for. */
  private async openConsents(session: Session, grant: Grant): Promise<string[]> {
    const require = requirementsOf(grant);
    if (require.length === 0) return [];
    const { store, people } = this.deps;
    const [words, known] = await Promise.all([
      store.consents(session.id),
      people.latest([session.requester]),
    ]);
    const { commentRequired, escalation } = grant.terms.approvals;
    const consents = standing(words).filter(
      ({ comment }) => !commentRequired || comment !== undefined,
    );
    const escalated = session.escalatedAt === null ? null : escalation;
    const { open } = quorum({ require, escalated }, newest(session.requester, known), consents);
    return open.map(requirementText);
  }

  /** A no, which is in the audit log with what it was said from. */
  private async refused(
    caller: Caller,
    session: Session,
    why: { readonly decision: PolicyDecision; readonly facts: Facts; readonly needs?: string },
  ): Promise<Problem> {
    const { decision, facts, needs } = why;
    const explanation = needs === undefined ? decision.explanation : [`Now ${needs}.`];
    const by =
      decision.verdict === 'refuse'
        ? { policy: decision.policyHash, rule: decision.rule }
        : { policy: decision.grant.policyHash, rule: decision.grant.rule };
    await this.deps.log.append(
      auditEntry({
        at: this.deps.clock.now(),
        action: 'session.extend',
        outcome: 'denied',
        actor: caller.actor,
        session,
        data: {
          ...by,
          explanation,
          durationSeconds: facts.request.durationSeconds,
          reason: facts.request.reason,
          factsHash: factsHash(facts),
          version: session.version,
        },
      }),
    );
    return problem(
      'extension-refused',
      `The session ${session.id} is not extended, and goes on to its deadline. ${explanation.join(' ')}`,
    );
  }

  private step(
    caller: Caller,
    session: Session,
    args: {
      readonly wish: ExtendWish;
      readonly granted: Granted;
      readonly idempotency: IdempotencyKey | undefined;
    },
  ): Step {
    const { wish, granted, idempotency } = args;
    const { decision, facts } = granted;
    const at = this.deps.clock.now();
    const { startDeadlineSeconds } = this.deps.limits;
    const changes = extensionOf(session, wish.durationSeconds, { at, startDeadlineSeconds });
    const step = stepOf({
      session,
      event: 'extend',
      capacities: ['requester'],
      actor: caller.actor,
      at,
      changes,
      decision: policyRecord(decision, { facts, at, seenVersion: session.version }),
      data: {
        container: changes.extension?.container.name,
        extendSeconds: wish.durationSeconds,
        ...(wish.reason === undefined ? {} : { reason: wish.reason }),
        explanation: decision.explanation,
      },
    });
    return {
      ...step,
      guard: { policyHash: decision.grant.policyHash, perPerson: null, perPod: null },
      ...(idempotency ? { idempotency } : {}),
    };
  }

  private async replay(id: SessionId, key: IdempotencyKey): Promise<Session | Problem | undefined> {
    const found = await this.deps.store.findByKey(key);
    if (!found) return undefined;
    if (found.requestHash === key.requestHash && found.session.id === id) return found.session;
    return problem(
      'idempotency-mismatch',
      `The key "${key.key}" already stands for something else that was asked of the session ${found.session.id}. Use a new key for a new request.`,
    );
  }
}
