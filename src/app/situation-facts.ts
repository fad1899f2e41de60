import type { Situation } from '../contract/situation.schema.js';
import { decideAsAsked, evaluate } from '../domain/policy/evaluate.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { Facts, FoundTarget } from '../domain/policy/facts.js';
import type { PolicySet } from '../domain/policy/policy.js';

/** Somebody asks for something, as {@link Situation} says it. */
export type Supposed = Omit<Situation, 'person'> & { readonly person: Facts['requester'] };

/** A situation that somebody made up, as facts. On-call sources that it says nothing of are `unknown`. */
export function situationFacts(
  { person, target, request, onCall, history, now }: Supposed,
  about: { readonly set: PolicySet; readonly now: Date },
): Facts {
  const unknown = about.set.onCallSources.map(({ name }) => [name, 'unknown'] as const);
  return {
    requester: person,
    target: {
      cluster: target.cluster,
      namespace: target.namespace,
      found: target.found === undefined ? null : foundOf(target.found),
    },
    request,
    history,
    onCall: { ...Object.fromEntries(unknown), ...onCall },
    now: now === undefined ? about.now : new Date(now),
  };
}

function foundOf(found: NonNullable<Situation['target']['found']>): FoundTarget {
  return { ...found, owner: found.owner ?? { kind: 'Pod', name: found.pod } };
}

const NOT_FOUND_YET =
  'What only the cluster can tell about the Pod was not given, and the rules that could allow this depend on it.';

/** What asking would come to, by facts that are made up: where the cluster would have to be asked, by what can be told without it. */
export function decideSituation(set: PolicySet, facts: Facts): PolicyDecision {
  const decision = decideAsAsked(set, facts);
  if (decision) return decision;
  const blind = evaluate(set, facts);
  return blind.verdict === 'refuse'
    ? { ...blind, explanation: [...blind.explanation, NOT_FOUND_YET] }
    : blind;
}
