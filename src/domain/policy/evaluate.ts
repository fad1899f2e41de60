import type { Person } from '../person.js';
import type { SessionRequest } from '../session/session.js';
import { matchesAny } from './glob.js';
import type { AccessPolicy, DebugProfile, Grant, PolicySet } from './policy.js';

/** What policy says to one request, with the rule that made it and sentences that explain it to the requester. */
export type PolicyDecision =
  | { readonly verdict: 'grant' | 'hold'; readonly grant: Grant; readonly explanation: string[] }
  | {
      readonly verdict: 'refuse';
      readonly policyHash: string;
      /** The rule that refused; null where nothing allowed (default deny). */
      readonly rule: string | null;
      readonly explanation: string[];
    };

type Asked = Pick<SessionRequest, 'cluster' | 'namespace' | 'profile' | 'durationSeconds'> &
  Partial<Pick<SessionRequest, 'reason' | 'ticket'>>;

/**
 * Default deny; any matching deny wins; among matching allows whose terms the request meets, the one that asks least
 * wins: fewest approvals, then longest duration, then name. The documents' order never matters.
 *
 * @returns `grant` where nobody need agree, `hold` where others must, `refuse` otherwise.
 */
export function evaluate(set: PolicySet, requester: Person, request: Asked): PolicyDecision {
  const mine = set.policies.filter((policy) => concerns(policy, requester));
  const matching = mine.filter((policy) => covers(policy, request));
  const refuse = (rule: string | null, explanation: string[]): PolicyDecision => ({
    verdict: 'refuse',
    policyHash: set.hash,
    rule,
    explanation,
  });

  const denial = matching.filter((policy) => policy.effect === 'deny').sort(byName)[0];
  if (denial) {
    return refuse(denial.name, [
      `The policy "${denial.name}" forbids this, and a deny beats any allow.`,
    ]);
  }

  const profile = set.profiles.find((candidate) => candidate.name === request.profile);
  const allows = matching.filter((policy) => policy.effect === 'allow');
  if (allows.length === 0 || !profile) return refuse(null, nearMisses(mine, request));

  const unmet = allows.map((policy) => ({ policy, lacks: lacking(policy, request) }));
  const met = unmet.filter(({ lacks }) => lacks.length === 0).map(({ policy }) => policy);
  const best = met.sort(asksLeastFirst)[0];
  if (!best) {
    return refuse(
      null,
      unmet
        .sort((a, b) => asksLeastFirst(a.policy, b.policy))
        .slice(0, TOLD_MAX)
        .map(
          ({ policy, lacks }) =>
            `The policy "${policy.name}" would allow it, but ${lacks.join(', and ')}.`,
        ),
    );
  }
  return granted(set, best, profile);
}

/** As many policies are told of at most: people read it, and the audit log keeps it. */
const TOLD_MAX = 10;

function granted(set: PolicySet, policy: AccessPolicy, profile: DebugProfile): PolicyDecision {
  const { approvals } = policy.terms;
  const grant: Grant = { policyHash: set.hash, rule: policy.name, terms: policy.terms, profile };
  return approvals.count === 0
    ? { verdict: 'grant', grant, explanation: [`The policy "${policy.name}" allows this at once.`] }
    : {
        verdict: 'hold',
        grant,
        explanation: [
          `The policy "${policy.name}" allows this once ${approvals.count} of ${approvals.groups.join(' or ')} ` +
            `${approvals.count === 1 ? 'agrees' : 'agree'}.`,
        ],
      };
}

function concerns(policy: AccessPolicy, person: Person): boolean {
  return policy.match.groups.some((group) => group === '*' || person.groups.includes(group));
}

function covers({ match }: AccessPolicy, request: Asked): boolean {
  return (
    matchesAny(match.clusters, request.cluster) &&
    matchesAny(match.namespaces, request.namespace) &&
    matchesAny(match.profiles, request.profile)
  );
}

/** What the request lacks to meet an allow's terms, as clauses of a sentence. */
function lacking({ terms }: AccessPolicy, request: Asked): string[] {
  const lacks: string[] = [];
  if (request.durationSeconds > terms.longestSeconds) {
    lacks.push(
      `it grants ${terms.longestSeconds} seconds at most and ${request.durationSeconds} were asked for`,
    );
  }
  if (terms.reasonRequired && !request.reason) lacks.push('it requires a reason');
  if (terms.ticketRequired && !request.ticket) lacks.push('it requires a ticket');
  return lacks;
}

/**
 * Why nothing allowed it, told by the policies that concern the requester's own groups only: a stranger learns nothing
 * of rules made for others.
 */
function nearMisses(mine: readonly AccessPolicy[], request: Asked): string[] {
  const allows = mine.filter((policy) => policy.effect === 'allow').sort(byName);
  if (allows.length === 0) return ['No policy allows anything to your groups here.'];
  const misses = allows.slice(0, TOLD_MAX).map(({ name, match }) => {
    const wrong = [
      matchesAny(match.clusters, request.cluster) ? '' : `not the cluster "${request.cluster}"`,
      matchesAny(match.namespaces, request.namespace)
        ? ''
        : `not the namespace "${request.namespace}"`,
      matchesAny(match.profiles, request.profile) ? '' : `not the profile "${request.profile}"`,
    ].filter((text) => text !== '');
    return wrong.length === 0
      ? `The policy "${name}" allows the profile "${request.profile}", but no such profile is defined.`
      : `The policy "${name}" is for your groups, but ${wrong.join(', ')}.`;
  });
  return ['No policy allows this to your groups.', ...misses];
}

function asksLeastFirst(a: AccessPolicy, b: AccessPolicy): number {
  return (
    a.terms.approvals.count - b.terms.approvals.count ||
    b.terms.longestSeconds - a.terms.longestSeconds ||
    byName(a, b)
  );
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
