import { isAmong } from '../person.js';
import type { Truth } from './condition.js';
import type { FoundTarget, Marks } from './facts.js';
import { foundPod } from './facts.js';
import { matchesAny } from './glob.js';
import type { Inquiry } from './inquiry.js';
import type { AccessPolicy, Selector, WorkloadMatch } from './policy.js';
import { selects, selectorText } from './selector.js';
import { isWithin, windowText } from './time.window.js';

/** One part of a rule's match: how it is tested, and what to say where it does not hold. */
interface Part {
  readonly name: PartName;
  test(policy: AccessPolicy, inquiry: Inquiry): Truth;
  /** A clause that completes "The policy is for you, but …". */
  miss(policy: AccessPolicy, inquiry: Inquiry): string;
}

export const PART_NAMES = [
  'who',
  'cluster',
  'namespace',
  'profile',
  'time',
  'namespaceSelector',
  'workload',
  'when',
] as const;
export type PartName = (typeof PART_NAMES)[number];

/** The cheap ones first: most rules are ruled out by them. */
export const PARTS: readonly Part[] = [
  {
    name: 'who',
    test: ({ match }, { facts: { requester } }) =>
      truth(
        match.groups.includes('*') ||
          isAmong(
            { iss: requester.issuer, sub: requester.subject, groups: requester.groups },
            match,
          ),
      ),
    miss: ({ match }) => `it is for ${[...match.groups, ...match.users].join(', ')}`,
  },
  {
    name: 'cluster',
    test: ({ match }, { facts: { target } }) => truth(matchesAny(match.clusters, target.cluster)),
    miss: (_, { facts: { target } }) => `not for the cluster "${target.cluster}"`,
  },
  {
    name: 'namespace',
    test: ({ match }, { facts: { target } }) =>
      truth(matchesAny(match.namespaces, target.namespace)),
    miss: (_, { facts: { target } }) => `not for the namespace "${target.namespace}"`,
  },
  {
    name: 'profile',
    test: ({ match }, { facts: { request } }) => truth(matchesAny(match.profiles, request.profile)),
    miss: (_, { facts: { request } }) => `not for the profile "${request.profile}"`,
  },
  {
    name: 'time',
    test: ({ match }, { facts: { now } }) =>
      truth(match.times.length === 0 || match.times.some((window) => isWithin(window, now))),
    miss: ({ match }) => `only at these times: ${match.times.map(windowText).join('; ')}`,
  },
  {
    name: 'namespaceSelector',
    test: ({ match }, { facts: { target } }) =>
      match.namespaceSelector.length === 0
        ? 'yes'
        : selectsKnown(match.namespaceSelector, target.found?.namespaceLabels ?? null),
    miss: ({ match }) =>
      `only for namespaces with the labels ${selectorText(match.namespaceSelector)}`,
  },
  {
    name: 'workload',
    test: ({ match }, { facts: { target } }) =>
      match.workloads.length === 0 ? 'yes' : isOfAny(match.workloads, foundPod(target)),
    miss: ({ match }) => `only for ${match.workloads.map(workloadText).join(' or ')}`,
  },
  {
    name: 'when',
    test: ({ when }, inquiry) => (when === null ? 'yes' : inquiry.test(when).truth),
    miss: ({ when }, inquiry) => {
      if (when === null) return '';
      const { truth, why } = inquiry.test(when);
      const how = truth === 'unknown' ? 'cannot be told' : 'does not hold';
      return `its condition ${how}: ${when.source}${why === undefined ? '' : ` (${why})`}`;
    },
  },
];

const MATCH_PARTS = PARTS.filter(({ name }) => name !== 'when');

/** A rule whose `match` does not keep it from a request. */
export interface Candidate {
  readonly policy: AccessPolicy;
  /** What its `match` came to; its condition was not asked. */
  readonly match: Truth;
}

/**
 * Those of some rules whose `match` does not say no, by effect and each by name: in the order in which their conditions
 * have to be asked (see {@link Inquiry}).
 */
export function sifted(
  policies: readonly AccessPolicy[],
  test: (policy: AccessPolicy) => Truth,
): Readonly<Record<AccessPolicy['effect'], readonly Candidate[]>> {
  const left: Record<AccessPolicy['effect'], Candidate[]> = { deny: [], allow: [] };
  for (const policy of policies) {
    const match = test(policy);
    if (match !== 'no') left[policy.effect].push({ policy, match });
  }
  left.deny.sort(byPolicyName);
  left.allow.sort(byPolicyName);
  return left;
}

/**
 * What the `match` of a rule comes to. `unknown` where no part says no and some cannot be told: before the cluster was
 * asked, or where labels cannot be read.
 *
 * @param isLeftOut parts that are not asked, and not known.
 */
export function sift(
  policy: AccessPolicy,
  inquiry: Inquiry,
  isLeftOut?: (policy: AccessPolicy, part: PartName) => boolean,
): Truth {
  let all: Truth = 'yes';
  for (const part of MATCH_PARTS) {
    const one = isLeftOut?.(policy, part.name) ? 'unknown' : part.test(policy, inquiry);
    if (one === 'no') return 'no';
    if (one === 'unknown') all = 'unknown';
  }
  return all;
}

/** Whether a rule is for this request. */
export function truthOf({ policy, match }: Candidate, inquiry: Inquiry): Truth {
  if (policy.when === null || match === 'no') return match;
  const { truth } = inquiry.test(policy.when);
  return truth === 'yes' ? match : truth;
}

/**
 * The same where the Pod is not known yet: `unknown` only where it may still be told. What cannot be told even then (a
 * source that does not answer, labels that may not be read) counts as it will then: against an allow, for a deny.
 */
export function truthYet(candidate: Candidate, inquiry: Inquiry): Truth {
  const { policy } = candidate;
  const truth = truthOf(candidate, inquiry);
  if (truth !== 'unknown') return truth;
  const untold = PARTS.filter((part) => part.test(policy, inquiry) === 'unknown');
  const isOpen = ({ name }: Part): boolean => mayBeTold(name, policy, inquiry);
  if (policy.effect === 'deny') return untold.some(isOpen) ? 'unknown' : 'yes';
  return untold.every(isOpen) ? 'unknown' : 'no';
}

/** Whether what an unknown part depends on may still be told: by the cluster, or because fewer rules are left then. */
function mayBeTold(part: PartName, { when }: AccessPolicy, inquiry: Inquiry): boolean {
  if (part === 'namespaceSelector') return inquiry.facts.target.found === null;
  if (part !== 'when' || when === null) return true;
  return inquiry.isCutShort || when.uses.has('target') || when.uses.has('history');
}

/** {@link truthOf} for a rule of which nothing is known yet. */
export function matchOf(policy: AccessPolicy, inquiry: Inquiry): Truth {
  return truthOf({ policy, match: sift(policy, inquiry) }, inquiry);
}

/** What one part of a rule came to; `says` what would be needed, and nothing where it holds. */
export interface PartTrace {
  readonly part: PartName;
  readonly truth: Truth;
  readonly says: string;
}

/**
 * Every part of a rule. Where its `match` says no, its condition is left out: it was not asked, nor were the on-call
 * sources that it names.
 */
export function partsOf(policy: AccessPolicy, inquiry: Inquiry): readonly PartTrace[] {
  const parts: PartTrace[] = [];
  for (const part of PARTS) {
    if (part.name === 'when' && parts.some(({ truth }) => truth === 'no')) break;
    const truth = part.test(policy, inquiry);
    const says = truth === 'yes' ? '' : part.miss(policy, inquiry);
    parts.push({ part: part.name, truth, says });
  }
  return parts;
}

/** What keeps a rule from matching, as clauses; `unknown` parts are told as well. */
export function missesOf(policy: AccessPolicy, inquiry: Inquiry): string[] {
  return partsOf(policy, inquiry)
    .filter(({ truth }) => truth !== 'yes')
    .map(({ says }) => says);
}

function byPolicyName({ policy: a }: Candidate, { policy: b }: Candidate): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function truth(holds: boolean): Truth {
  return holds ? 'yes' : 'no';
}

function isOfAny(workloads: readonly WorkloadMatch[], found: FoundTarget | null): Truth {
  return found === null ? 'unknown' : anyOf(workloads.map((it) => isOf(it, found)));
}

function isOf({ kinds, names, podSelector }: WorkloadMatch, found: FoundTarget): Truth {
  return kinds.includes(found.owner.kind) && matchesAny(names, found.owner.name)
    ? selectsKnown(podSelector, found.labels)
    : 'no';
}

function selectsKnown(selector: Selector, labels: Marks): Truth {
  if (selector.length === 0) return 'yes';
  return labels === null ? 'unknown' : truth(selects(selector, labels));
}

function anyOf(truths: readonly Truth[]): Truth {
  if (truths.includes('yes')) return 'yes';
  return truths.includes('unknown') ? 'unknown' : 'no';
}

function workloadText({ kinds, names, podSelector }: WorkloadMatch): string {
  const labels = podSelector.length === 0 ? '' : ` with the labels ${selectorText(podSelector)}`;
  return `${kinds.join('/')} ${names.join(', ')}${labels}`;
}
