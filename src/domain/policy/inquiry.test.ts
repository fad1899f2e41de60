import { describe, expect, test } from 'vitest';
import type { FactsOver } from '../../../test/support/policies.js';
import { factsOf, policyOf, setOf, taking } from '../../../test/support/policies.js';
import type { Truth } from './condition.js';
import { evaluate, refuseUnseen } from './evaluate.js';
import { STEPS_A_DECISION, TOO_MUCH_TOGETHER } from './inquiry.js';
import type { AccessPolicy } from './policy.js';

function decide(policies: AccessPolicy[], over: FactsOver = {}) {
  return evaluate(setOf(policies), factsOf(over));
}

function ruleOf(policies: AccessPolicy[], over: FactsOver = {}): string | null {
  const decision = decide(policies, over);
  return decision.verdict === 'refuse' ? null : decision.grant.rule;
}

describe('conditions that would take too long together', () => {
  const dear = (truth: Truth) => taking(STEPS_A_DECISION / 2, truth);
  const allow = (name: string, truth: Truth) => policyOf(name, { when: dear(truth) });
  const deny = (name: string, truth: Truth) =>
    policyOf(name, { effect: 'deny', when: dear(truth) });

  test('let in by none that was not tested, and the refusal says so', () => {
    expect(ruleOf([allow('a', 'no'), allow('b', 'yes')])).toBe('b');
    const { verdict, explanation } = decide([
      allow('a', 'no'),
      allow('b', 'no'),
      allow('c', 'yes'),
    ]);
    expect(verdict).toBe('refuse');
    expect(explanation).toContain(
      `The policy "c" is for your groups, but its condition cannot be told: x (${TOO_MUCH_TOGETHER}).`,
    );
  });

  test('keep out by a deny that was not tested, and the refusal says so', () => {
    const denies = [deny('a', 'no'), deny('b', 'no'), deny('c', 'no')];
    expect(ruleOf([...denies.slice(0, 2), policyOf('z')])).toBe('z');
    const decision = decide([...denies, policyOf('z')]);
    expect(decision).toMatchObject({ verdict: 'refuse', rule: 'c' });
    expect(decision.explanation.join()).toContain(TOO_MUCH_TOGETHER);
  });

  test('are tested denies first, and cost nothing where the rest of a rule is for others', () => {
    const others = ['b', 'c'].map((name) => ({
      ...allow(name, 'yes'),
      match: { ...policyOf(name).match, profiles: ['net'] },
    }));
    expect(ruleOf([...others, allow('a', 'yes'), deny('z', 'no')])).toBe('a');
  });

  test('leave no room for an allow once a deny is added', () => {
    const steps = (policy: AccessPolicy, share: number): AccessPolicy => ({
      ...policy,
      when: policy.when && { ...policy.when, steps: STEPS_A_DECISION * share },
    });
    const allows = [steps(allow('a', 'no'), 0.7), steps(allow('b', 'yes'), 0.4)];
    expect(ruleOf(allows)).toBeNull();
    expect(ruleOf([...allows, steps(deny('c', 'no'), 0.5)])).toBeNull();
  });

  test('are the same ones for whoever is in the same groups, in whatever order they are told', () => {
    const rules = ['a', 'b', 'c'].map((name) =>
      policyOf(name, { when: dear(name === 'b' ? 'yes' : 'no'), match: { groups: [name] } }),
    );
    for (const groups of [
      ['a', 'b', 'c'],
      ['c', 'a', 'b'],
      ['c', 'b', 'a'],
    ]) {
      expect(ruleOf(rules, { requester: { groups } })).toBe('b');
    }
  });

  test('leave it to the cluster whether a rule that was not tested matches', () => {
    const facts = factsOf({ found: null });
    const some = [allow('a', 'no'), allow('b', 'no'), deny('c', 'no'), deny('d', 'no')];
    expect(refuseUnseen(setOf(some.slice(0, 2)), facts)?.verdict).toBe('refuse');
    expect(refuseUnseen(setOf(some), facts)).toBeUndefined();
  });

  test('count with them the patterns of terms: one that was not tested is not met, and says so', () => {
    const pattern = { source: '.*', stepsPerChar: STEPS_A_DECISION / 2, matches: () => true };
    const rule = policyOf('p', { patterns: { reason: null, ticket: pattern } });
    expect(ruleOf([rule], { request: { ticket: '12' } })).toBe('p');
    const decision = decide([rule], { request: { ticket: '123' } });
    expect(decision.explanation.join()).toContain(`must match .* (${TOO_MUCH_TOGETHER})`);
    const unseen = factsOf({ found: null, request: { ticket: '123' } });
    expect(refuseUnseen(setOf([rule]), unseen)).toBeUndefined();
  });
});
