import { asksLeastFirst } from '../src/domain/policy/evaluate.js';
import type { Truth } from '../src/domain/policy/condition.js';
import type { Facts } from '../src/domain/policy/facts.js';
import { Inquiry } from '../src/domain/policy/inquiry.js';
import { lacking } from '../src/domain/policy/lacking.js';
import type { AccessPolicy, PolicySet } from '../src/domain/policy/policy.js';
import { PARTS } from '../src/domain/policy/rule.match.js';

/**
 * What a policy set decides, by testing every part of every rule: what the index and the early ends are measured
 * against.
 *
 * @returns the rule that decides; null where nothing allows.
 */
export function decideNaively(set: PolicySet, facts: Facts): string | null {
  const inquiry = new Inquiry(facts);
  const told = set.policies.map((policy) => ({
    policy,
    truths: PARTS.map((part) =>
      part.name === 'when' ? conditionOf(policy, facts) : part.test(policy, inquiry),
    ),
  }));
  const denies = told
    .filter(({ policy, truths }) => policy.effect === 'deny' && !truths.includes('no'))
    .map(({ policy }) => policy.name)
    .sort();
  if (denies[0] !== undefined) return denies[0];
  const allows = told
    .filter(({ policy, truths }) => policy.effect === 'allow' && truths.every((it) => it === 'yes'))
    .map(({ policy }) => policy)
    .filter((policy) => lacking(policy, inquiry).length === 0)
    .sort(asksLeastFirst);
  return allows[0]?.name ?? null;
}

/** However long all of them take together: there are more than a decision may test. */
function conditionOf({ when }: AccessPolicy, facts: Facts): Truth {
  return when === null ? 'yes' : when.test(facts, { take: () => true }).truth;
}
