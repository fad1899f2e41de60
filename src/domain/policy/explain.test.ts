import { expect, test } from 'vitest';
import {
  approvals,
  factsOf,
  policyOf,
  requirement,
  setOf,
} from '../../../test/support/policies.js';
import { evaluate } from './evaluate.js';
import { explain } from './explain.js';
import { STEPS_A_DECISION, TOO_MUCH_TOGETHER } from './inquiry.js';
import type { AccessPolicy } from './policy.js';

const RULES = [
  policyOf('free'),
  policyOf('asks', { terms: { approvals: approvals(requirement(1, 'leads')) } }),
  policyOf('short', { terms: { longestSeconds: 1 } }),
  policyOf('elsewhere', { match: { namespaces: ['x'] } }),
  policyOf('far', { match: { namespaces: ['x'], clusters: ['y'] } }),
];

test('says of every rule what became of it, the one that decided first', () => {
  const { decision, rules } = explain(setOf(RULES), factsOf());
  expect(decision).toEqual(evaluate(setOf(RULES), factsOf()));
  expect(rules.map(({ rule, outcome }) => [rule, outcome])).toEqual([
    ['free', 'decided'],
    ['asks', 'outdone'],
    ['short', 'lacking'],
    ['elsewhere', 'not-for-this'],
    ['far', 'not-for-this'],
  ]);
});

test('says of a rule where it stands, which part fails and what is lacking', () => {
  const { rules } = explain(setOf(RULES), factsOf());
  const of = (name: string) => rules.find(({ rule }) => rule === name);
  expect(of('short')?.lacks).toEqual(['it grants 1 seconds at most and 600 were asked for']);
  expect(of('elsewhere')?.where).toBe('elsewhere.yaml:1:1');
  expect(of('elsewhere')?.parts.filter(({ truth }) => truth !== 'yes')).toEqual([
    { part: 'namespace', truth: 'no', says: 'not for the namespace "staging"' },
  ]);
});

test('of a deny that decides, the allows that it outdoes are told', () => {
  const deny = policyOf('z-deny', { effect: 'deny' });
  const { decision, rules } = explain(setOf([...RULES, deny]), factsOf());
  expect(decision).toMatchObject({ verdict: 'refuse', rule: 'z-deny' });
  expect(rules[0]).toMatchObject({ rule: 'z-deny', outcome: 'decided' });
  expect(rules.find(({ rule }) => rule === 'free')?.outcome).toBe('outdone');
});

test('tests each condition once, and no more of them than a decision has steps for', () => {
  const tested: string[] = [];
  const RULE_STEPS = STEPS_A_DECISION / 10;
  const counted = (name: string): AccessPolicy =>
    policyOf(name, {
      when: {
        source: name,
        steps: RULE_STEPS,
        uses: new Set(),
        onCallSources: new Set(),
        test: () => {
          tested.push(name);
          return { truth: 'no' };
        },
      },
    });
  const names = Array.from({ length: 500 }, (_, at) => `p${String(at).padStart(3, '0')}`);
  const { decision, rules } = explain(setOf(names.map(counted)), factsOf());
  expect(tested).toEqual(names.slice(0, 10));
  expect(decision.verdict).toBe('refuse');
  const truths = rules.map(({ parts }) => parts.find(({ part }) => part === 'when')?.truth);
  expect(truths.filter((it) => it === 'unknown')).toHaveLength(490);
  expect(rules.at(-1)?.parts.at(-1)?.says).toContain(TOO_MUCH_TOGETHER);
});
