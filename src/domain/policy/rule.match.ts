import { isAmong } from '../person.js';
import type { Truth } from './condition.js';
import type { Facts, FoundTarget, Marks } from './facts.js';
import { foundPod } from './facts.js';
import { matchesAny } from './glob.js';
import type { AccessPolicy, Selector, WorkloadMatch } from './policy.js';
import { selects, selectorText } from './selector.js';
import { isWithin, windowText } from './time.window.js';

/** One part of a rule's match: how it is tested, and what to say where it does not hold. */
interface Part {
  readonly name: PartName;
  test(policy: AccessPolicy, facts: Facts): Truth;
  /** A clause that completes "The policy is for you, but …". */
  miss(policy: AccessPolicy, facts: Facts): string;
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
    test: ({ match }, { requester }) =>
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
    test: ({ match }, { target }) => truth(matchesAny(match.clusters, target.cluster)),
    miss: (_, { target }) => `not for the cluster "${target.cluster}"`,
  },
  {
    name: 'namespace',
    test: ({ match }, { target }) => truth(matchesAny(match.namespaces, target.namespace)),
    miss: (_, { target }) => `not for the namespace "${target.namespace}"`,
  },
  {
    name: 'profile',
    test: ({ match }, { request }) => truth(matchesAny(match.profiles, request.profile)),
    miss: (_, { request }) => `not for the profile "${request.profile}"`,
  },
  {
    name: 'time',
    test: ({ match }, { now }) =>
      truth(match.times.length === 0 || match.times.some((window) => isWithin(window, now))),
    miss: ({ match }) => `only at these times: ${match.times.map(windowText).join('; ')}`,
  },
  {
    name: 'namespaceSelector',
    test: ({ match }, { target }) =>
      match.namespaceSelector.length === 0
        ? 'yes'
        : selectsKnown(match.namespaceSelector, target.found?.namespaceLabels ?? null),
    miss: ({ match }) =>
      `only for namespaces with the labels ${selectorText(match.namespaceSelector)}`,
  },
  {
    name: 'workload',
    test: ({ match }, { target }) =>
      match.workloads.length === 0 ? 'yes' : isOfAny(match.workloads, foundPod(target)),
    miss: ({ match }) => `only for ${match.workloads.map(workloadText).join(' or ')}`,
  },
  {
    name: 'when',
    test: ({ when }, facts) => (when === null ? 'yes' : when.test(facts).truth),
    miss: ({ when }, facts) => {
      const { truth, why } = when?.test(facts) ?? { truth: 'no' as const };
      const how = truth === 'unknown' ? 'cannot be told' : 'does not hold';
      return `its condition ${how}: ${when?.source ?? ''}${why === undefined ? '' : ` (${why})`}`;
    },
  },
];

/**
 * Whether a rule is for this request. `unknown` where no part says no and some cannot be told: before the cluster was
 * asked, or where an expression fails on the facts.
 */
export function matchOf(policy: AccessPolicy, facts: Facts): Truth {
  let all: Truth = 'yes';
  for (const part of PARTS) {
    const one = part.test(policy, facts);
    if (one === 'no') return 'no';
    if (one === 'unknown') all = 'unknown';
  }
  return all;
}

/**
 * The same where the Pod is not known yet: `unknown` only where the cluster may still tell. What cannot be told even
 * then (a source that does not answer, labels that may not be read) counts as it will then: against an allow, for a deny.
 */
export function matchYet(policy: AccessPolicy, facts: Facts): Truth {
  const match = matchOf(policy, facts);
  if (match !== 'unknown') return match;
  const untold = PARTS.filter((part) => part.test(policy, facts) === 'unknown');
  const isOpen = ({ name }: Part): boolean => mayBeTold(name, policy, facts);
  if (policy.effect === 'deny') return untold.some(isOpen) ? 'unknown' : 'yes';
  return untold.every(isOpen) ? 'unknown' : 'no';
}

/** Whether the cluster may still tell what an unknown part depends on. */
function mayBeTold(part: PartName, { when }: AccessPolicy, { target }: Facts): boolean {
  if (part === 'namespaceSelector') return target.found === null;
  if (part === 'when')
    return when !== null && (when.uses.has('target') || when.uses.has('history'));
  return true;
}

/** What keeps a rule from matching, as clauses; `unknown` parts are told as well. */
export function missesOf(policy: AccessPolicy, facts: Facts): string[] {
  return PARTS.filter((part) => part.test(policy, facts) !== 'yes').map((part) =>
    part.miss(policy, facts),
  );
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
