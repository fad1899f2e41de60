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
import { standing } from '../domain/session/session.js';
import type { Session, SessionRequest } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { GatherFacts } from './gather-facts.js';
import { AuditLog } from './ports/audit.log.js';
import { Clock } from './ports/clock.js';
import { Clusters } from './ports/cluster.js';
import { People } from './ports/people.js';
import { PolicySource } from './ports/policy.source.js';
import { SessionStore } from './ports/session.store.js';

export interface ExtendWish {
  /** For how long the new container holds, from its start. */
  readonly durationSeconds: number;
  /** Left out: the reason that the session was asked for with. */
  readonly reason?: string;
  readonly seenVersion?: number;
}

/** What policy said, and from what. */
export interface GrantedExtension {
  readonly decision: Exclude<PolicyDecision, { verdict: 'refuse' }>;
  readonly facts: Facts;
}

export interface DecideExtensionDeps {
  readonly store: SessionStore;
  readonly clusters: Clusters;
  readonly policies: PolicySource;
  readonly facts: GatherFacts;
  readonly people: People;
  readonly log: AuditLog;
  readonly clock: Clock;
}

/** Asks policy anew, for a session that is to be extended. */
export class DecideExtension {
  constructor(private readonly deps: DecideExtensionDeps) {}

  /**
   * What policy says now, if it is not a no.
   *
   * @returns `extension-refused` with what policy said, and who would have to consent; what the cluster says against the
   * Pod; `policy-unavailable`.
   */
  async decide(
    caller: Caller,
    session: Session,
    wish: ExtendWish,
  ): Promise<GrantedExtension | Problem> {
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
}
