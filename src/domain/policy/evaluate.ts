import type { Facts, FoundNamespace } from './facts.js';
import { NO_SESSIONS } from './facts.js';
import { Inquiry } from './inquiry.js';
import { lacking } from './lacking.js';
import type { AccessPolicy, DebugProfile, Grant, PolicySet } from './policy.js';
import { consentsNeeded, requirementsOf } from './policy.js';
import { profileNamed } from './policy-set.js';
import type { Candidate } from './rule.match.js';
import { missesOf, sift, sifted, truthOf, truthYet } from './rule.match.js';
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
  return decide(set, new Inquiry(facts));
}

/** {@link evaluate}, for those who have more to ask about it afterwards. */
export function decide(set: PolicySet, inquiry: Inquiry): PolicyDecision {
  const { deny, allow } = candidatesOf(set, inquiry);
  // A deny whose matching cannot be told denies: it was written to keep somebody out.
  const denial = deny.find((it) => truthOf(it, inquiry) !== 'no');
  if (denial) return refused(set, denial.policy.name, [denialText(denial, inquiry)]);

  const allows = policiesOf(allow.filter((it) => truthOf(it, inquiry) === 'yes'));
  const profile = profileNamed(set, inquiry.facts.request.profile);
  if (allows.length === 0 || !profile) return refused(set, null, nearMisses(set, inquiry));
  const { best, wants } = firstMet(allows, inquiry);
  return best ? granted(set, { policy: best, profile, inquiry }) : refused(set, null, wants);
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
  const inquiry = new Inquiry(facts);
  const { deny, allow } = candidatesOf(set, inquiry);
  const denial = deny.find((it) => truthYet(it, inquiry) === 'yes');
  if (denial) return refused(set, denial.policy.name, [denialText(denial, inquiry)]);

  const possible = policiesOf(allow.filter((it) => truthYet(it, inquiry) !== 'no'));
  const isDefined = profileNamed(set, facts.request.profile) !== undefined;
  if (possible.length === 0 || !isDefined) return refused(set, null, nearMisses(set, inquiry));
  const { best, wants } = firstMet(possible, inquiry);
  // Fewer rules may match what the cluster says, and leave steps for what was not tested here.
  return best || inquiry.isCutShort ? undefined : refused(set, null, wants);
}

/**
 * Whether any rule could let them in where they ask (there is no Pod in `facts.target.found`), whatever they say about
 * their request and whatever the Pod is: only then may they see what Pods there are.
 */
export function mightAllow(set: PolicySet, facts: Facts): boolean {
  const inquiry = new Inquiry(facts);
  const { deny, allow } = candidatesOf(set, inquiry);
  const asksOfRequest = ({ policy: { when } }: Candidate) => when?.uses.has('request') === true;
  const denial = deny.find((it) => !asksOfRequest(it) && truthYet(it, inquiry) === 'yes');
  return !denial && allow.some((it) => asksOfRequest(it) || truthYet(it, inquiry) !== 'no');
}

/** As many policies are told of at most: people read it, and the audit log keeps it. */
const TOLD_MAX = 10;
/** Of as many the nearest are looked for. */
const LOOKED_AT_MAX = 200;

function candidatesOf(set: PolicySet, inquiry: Inquiry): ReturnType<typeof sifted> {
  const { requester, target } = inquiry.facts;
  return sifted(set.index.candidates(requester, target.namespace), (policy) =>
    sift(policy, inquiry),
  );
}

function policiesOf(candidates: readonly Candidate[]): readonly AccessPolicy[] {
  return candidates.map(({ policy }) => policy);
}

function denialText(candidate: Candidate, inquiry: Inquiry): string {
  const { policy } = candidate;
  const what = policy.description === '' ? '' : ` (${policy.description})`;
  return truthOf(candidate, inquiry) === 'yes'
    ? `The policy "${policy.name}"${what} forbids this, and a deny beats any allow.`
    : `The policy "${policy.name}"${what} may forbid this, and what it depends on cannot be told: ${missesOf(policy, inquiry).join(', and ')}.`;
}

function refused(set: PolicySet, rule: string | null, explanation: string[]): Refusal {
  return { verdict: 'refuse', policyHash: set.hash, rule, explanation };
}

function granted(
  set: PolicySet,
  of: { policy: AccessPolicy; profile: DebugProfile; inquiry: Inquiry },
): PolicyDecision {
  const { policy, profile, inquiry } = of;
  const { breakGlass } = inquiry.facts.request;
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

/**
 * The rule whose terms the request meets, of several the one that asks least; without one, what they would need, those
 * first that ask least.
 */
function firstMet(
  allows: readonly AccessPolicy[],
  inquiry: Inquiry,
): { readonly best: AccessPolicy | undefined; readonly wants: string[] } {
  const wants: string[] = [];
  for (const policy of allows.toSorted(asksLeastFirst)) {
    const lacks = lacking(policy, inquiry);
    if (lacks.length === 0) return { best: policy, wants };
    if (wants.length < TOLD_MAX) {
      wants.push(`The policy "${policy.name}" would allow it, but ${lacks.join(', and ')}.`);
    }
  }
  return { best: undefined, wants };
}

/**
 * Why nothing allowed it, told by the policies that concern the requester only: a stranger learns nothing of rules
 * made for others.
 */
function nearMisses(set: PolicySet, inquiry: Inquiry): string[] {
  const { requester, request } = inquiry.facts;
  const mine = set.index
    .concerning(requester)
    .filter(({ effect }) => effect === 'allow')
    .sort(byName)
    .slice(0, LOOKED_AT_MAX);
  if (mine.length === 0) return ['No policy allows anything to your groups here.'];
  const told = mine
    .map((policy) => ({ policy, misses: missesOf(policy, inquiry) }))
    .sort((a, b) => a.misses.length - b.misses.length || byName(a.policy, b.policy))
    .slice(0, TOLD_MAX)
    .map(({ policy, misses }) =>
      misses.length === 0
        ? `The policy "${policy.name}" allows the profile "${request.profile}", but no such profile is defined.`
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
