import { decide } from './evaluate.js';
import type { PolicyDecision } from './evaluate.js';
import type { Facts } from './facts.js';
import { Inquiry } from './inquiry.js';
import { lacking } from './lacking.js';
import type { PolicySet } from './policy.js';
import type { PartTrace } from './rule.match.js';
import { matchOf, partsOf, sift, sifted, truthOf } from './rule.match.js';

/** What one rule had to say to one request. */
export interface RuleTrace {
  readonly rule: string;
  readonly effect: 'allow' | 'deny';
  readonly where: string;
  /**
   * `decided` the request; `outdone` by a deny or by a rule that asks less; `lacking`: matches, but its terms are not
   * met; `not-for-this`: does not match.
   */
  readonly outcome: 'decided' | 'outdone' | 'lacking' | 'not-for-this';
  readonly parts: readonly PartTrace[];
  readonly lacks: readonly string[];
}

/**
 * A decision with what every rule of the set had to say to it; the rule that decided first, then those nearest to it.
 * All of it within the steps of one decision: it is the one that {@link decide} makes alone.
 */
export function explain(
  set: PolicySet,
  facts: Facts,
): { readonly decision: PolicyDecision; readonly rules: readonly RuleTrace[] } {
  const inquiry = new Inquiry(facts);
  const decision = decide(set, inquiry);
  const decider = decision.verdict === 'refuse' ? decision.rule : decision.grant.rule;
  // What the decision did not come to ask is asked in the same order.
  const { deny, allow } = sifted(set.policies, (policy) => sift(policy, inquiry));
  for (const candidate of [...deny, ...allow]) truthOf(candidate, inquiry);
  const rules = set.policies.map((policy): RuleTrace => {
    const parts = partsOf(policy, inquiry);
    const match = matchOf(policy, inquiry);
    const isFor = policy.effect === 'deny' ? match !== 'no' : match === 'yes';
    const lacks = policy.effect === 'allow' && isFor ? lacking(policy, inquiry) : [];
    const outcome =
      policy.name === decider
        ? 'decided'
        : !isFor
          ? 'not-for-this'
          : lacks.length > 0
            ? 'lacking'
            : 'outdone';
    return { rule: policy.name, effect: policy.effect, where: policy.where, outcome, parts, lacks };
  });
  return { decision, rules: [...rules].sort(nearestFirst) };
}

const RANK = { decided: 0, outdone: 1, lacking: 2, 'not-for-this': 3 } as const satisfies Record<
  RuleTrace['outcome'],
  number
>;

function nearestFirst(a: RuleTrace, b: RuleTrace): number {
  const misses = (trace: RuleTrace): number =>
    trace.parts.filter(({ truth }) => truth !== 'yes').length;
  return (
    RANK[a.outcome] - RANK[b.outcome] ||
    misses(a) - misses(b) ||
    (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0)
  );
}
