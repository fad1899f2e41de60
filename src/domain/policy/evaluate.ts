import type { Facts, FoundNamespace } from './facts.js';
import { NO_SESSIONS } from './facts.js';
import { lacking } from './lacking.js';
import type { AccessPolicy, DebugProfile, Grant, PolicySet } from './policy.js';
import { consentsNeeded, requirementsOf } from './policy.js';
import { profileNamed } from './policy-set.js';
import { matchOf, matchYet, missesOf } from './rule.match.js';
import { requirementText } from './words.js';

/** What policy says to one request, with the rule that made it and sentences that explain it to the requester. */
export type PolicyDecision =
  | { readonly verdict: 'grant' | 'hold'; readonly grant: Grant; readonly explanation: string[] }
  | Refusal;

export interface Refusal {
  readonly verdict: 'refuse';
  readonly policyHash: string;
  /** The rule that refused; null where nothing allowed (default deny). */
  readonly rule: string | null;
  readonly explanation: string[];
}

/**
 * Default deny; any matching deny wins; among matching allows whose terms the request meets, the one that asks least of
 * the requester wins ({@link asksLeastFirst}). The documents' order never matters.
 *
 * @returns `grant` where nobody need agree, `hold` where others must, `refuse` otherwise.
 */
export function evaluate(set: PolicySet, facts: Facts): PolicyDecision {
  const candidates = candidatesOf(set, facts);
  const denial = denialAmong(candidates, facts);
  if (denial) return refused(set, denial.name, [denialText(denial, facts)]);

  const allows = candidates.filter(
    (policy) => policy.effect === 'allow' && matchOf(policy, facts) === 'yes',
  );
  const profile = profileNamed(set, facts.request.profile);
  if (allows.length === 0 || !profile) return refused(set, null, nearMisses(set, facts));
  let best: AccessPolicy | undefined;
  for (const policy of allows) {
    if (best && asksLeastFirst(best, policy) <= 0) continue;
    if (lacking(policy, facts).length === 0) best = policy;
  }
  return best
    ? granted(set, { policy: best, profile, facts })
    : refused(set, null, wants(allows, facts));
}

/**
 * As a request is decided: first by what is known without the cluster, then with the namespace alone, and with the Pod
 * only where some rule might still let the requester in. So refusals that need no look at the Pod are the same, word for
 * word, whether it is there or not.
 *
 * @returns undefined where it depends on a Pod that is not known.
 */
export function decideAsAsked(set: PolicySet, facts: Facts): PolicyDecision | undefined {
  return refuseUnseen(set, knowing(facts, null)) ?? decideFound(set, facts);
}

/** The same from the namespace on, for what {@link refuseUnseen} did not refuse. */
export function decideFound(set: PolicySet, facts: Facts): PolicyDecision | undefined {
  const { found } = facts.target;
  if (found === null) return undefined;
  const { namespaceLabels, namespaceAnnotations } = found;
  const around = knowing(facts, { namespaceLabels, namespaceAnnotations, pod: null });
  return refuseUnseen(set, around) ?? (found.pod === null ? undefined : evaluate(set, facts));
}

/** The facts as they are without a Pod. */
function knowing(facts: Facts, found: FoundNamespace | null): Facts {
  return {
    ...facts,
    target: { ...facts.target, found },
    history: { ...facts.history, target: NO_SESSIONS },
  };
}

/**
 * What can be said without the Pod (there is none in `facts.target.found`): a refusal, where nothing that the cluster
 * may still say could change it; undefined, where it has to be asked.
 */
export function refuseUnseen(set: PolicySet, facts: Facts): Refusal | undefined {
  const candidates = candidatesOf(set, facts);
  const denial = candidates
    .filter((policy) => policy.effect === 'deny' && matchYet(policy, facts) === 'yes')
    .sort(byName)[0];
  if (denial) return refused(set, denial.name, [denialText(denial, facts)]);

  const possible = candidates.filter(
    (policy) => policy.effect === 'allow' && matchYet(policy, facts) !== 'no',
  );
  const isDefined = profileNamed(set, facts.request.profile) !== undefined;
  if (possible.length === 0 || !isDefined) return refused(set, null, nearMisses(set, facts));
  return possible.some((policy) => lacking(policy, facts).length === 0)
    ? undefined
    : refused(set, null, wants(possible, facts));
}

/** As many policies are told of at most: people read it, and the audit log keeps it. */
const TOLD_MAX = 10;
/** Of as many the nearest are looked for. */
const LOOKED_AT_MAX = 200;

function candidatesOf(set: PolicySet, { requester, target }: Facts): readonly AccessPolicy[] {
  return set.index.candidates(requester, target.namespace);
}

/** A deny whose matching cannot be told denies: it was written to keep somebody out. */
function denialAmong(candidates: readonly AccessPolicy[], facts: Facts): AccessPolicy | undefined {
  return candidates
    .filter((policy) => policy.effect === 'deny' && matchOf(policy, facts) !== 'no')
    .sort(byName)[0];
}

function denialText(policy: AccessPolicy, facts: Facts): string {
  const isSure = matchOf(policy, facts) === 'yes';
  const what = policy.description === '' ? '' : ` (${policy.description})`;
  return isSure
    ? `The policy "${policy.name}"${what} forbids this, and a deny beats any allow.`
    : `The policy "${policy.name}"${what} may forbid this, and what it depends on cannot be told: ${missesOf(policy, facts).join(', and ')}.`;
}

function refused(set: PolicySet, rule: string | null, explanation: string[]): Refusal {
  return { verdict: 'refuse', policyHash: set.hash, rule, explanation };
}

function granted(
  set: PolicySet,
  { policy, profile, facts }: { policy: AccessPolicy; profile: DebugProfile; facts: Facts },
): PolicyDecision {
  const { breakGlass } = facts.request;
  const grant: Grant = {
    policyHash: set.hash,
    rule: policy.name,
    // What happens behind broken glass is on the record, whatever the rule says otherwise.
    terms: breakGlass ? { ...policy.terms, recording: 'strict' } : policy.terms,
    profile,
    breakGlass,
  };
  const require = requirementsOf(grant).filter(({ count }) => count > 0);
  const condition = policy.when === null ? [] : [`Its condition holds: ${policy.when.source}.`];
  if (require.length > 0) {
    return {
      verdict: 'hold',
      grant,
      explanation: [
        `The policy "${policy.name}" allows this once ${require.map(requirementText).join(' and ')} ${consentsNeeded(require) === 1 ? 'agrees' : 'agree'}.`,
        ...condition,
        ...(policy.terms.breakGlass
          ? ['In an emergency it lets you in at once (break-glass), at the price of a review.']
          : []),
      ],
    };
  }
  const { breakGlass: offer } = policy.terms;
  const allows =
    breakGlass && offer
      ? `The policy "${policy.name}" lets you break the glass. Somebody else must review it within ${offer.review.withinSeconds} seconds.`
      : `The policy "${policy.name}" allows this at once.`;
  return { verdict: 'grant', grant, explanation: [allows, ...condition] };
}

/** What the rules that match would need, those first that ask least. */
function wants(allows: readonly AccessPolicy[], facts: Facts): string[] {
  return [...allows]
    .sort(asksLeastFirst)
    .slice(0, TOLD_MAX)
    .map(
      (policy) =>
        `The policy "${policy.name}" would allow it, but ${lacking(policy, facts).join(', and ')}.`,
    );
}

/**
 * Why nothing allowed it, told by the policies that concern the requester only: a stranger learns nothing of rules
 * made for others.
 */
function nearMisses(set: PolicySet, facts: Facts): string[] {
  const mine = set.index
    .concerning(facts.requester)
    .filter(({ effect }) => effect === 'allow')
    .sort(byName)
    .slice(0, LOOKED_AT_MAX);
  if (mine.length === 0) return ['No policy allows anything to your groups here.'];
  const told = mine
    .map((policy) => ({ policy, misses: missesOf(policy, facts) }))
    .sort((a, b) => a.misses.length - b.misses.length || byName(a.policy, b.policy))
    .slice(0, TOLD_MAX)
    .map(({ policy, misses }) =>
      misses.length === 0
        ? `The policy "${policy.name}" allows the profile "${facts.request.profile}", but no such profile is defined.`
        : `The policy "${policy.name}" is for your groups, but ${misses.join(', and ')}.`,
    );
  return ['No policy allows this to your groups.', ...told];
}

/**
 * The total order among allows: fewest consents; fewest requirements; no ticket before a ticket; no reason before a
 * reason; the longest duration; the first name.
 */
export function asksLeastFirst(a: AccessPolicy, b: AccessPolicy): number {
  const [x, y] = [a.terms, b.terms];
  return (
    consentsNeeded(x.approvals.require) - consentsNeeded(y.approvals.require) ||
    x.approvals.require.length - y.approvals.require.length ||
    Number(x.ticket.required) - Number(y.ticket.required) ||
    Number(x.reason.required) - Number(y.reason.required) ||
    y.longestSeconds - x.longestSeconds ||
    byName(a, b)
  );
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
