import { describe, expect, test } from 'vitest';
import { factsOf, policyOf, setOf, TERMS } from '../../../test/support/policies.js';
import { grantOf, newSession, ROBIN } from '../../../test/support/sessions.js';
import type { AccessRemoved } from './access.js';
import { accessRemoved } from './access.js';
import type { Condition, Truth } from './condition.js';
import type { Facts } from './facts.js';
import { STEPS_A_DECISION } from './inquiry.js';
import type { AccessPolicy } from './policy.js';

/** Too dear to be tested. */
function dear(truth: Truth): Condition {
  return { ...condition(truth, 'target'), steps: STEPS_A_DECISION + 1 };
}

function condition(truth: Truth, ...uses: (keyof Facts)[]): Condition {
  return {
    source: truth,
    steps: 1,
    uses: new Set(uses),
    onCallSources: new Set(),
    test: () => ({ truth }),
  };
}

const NIGHT = [{ timeZone: 'UTC', days: ['Mon' as const], fromMinute: 0, toMinute: 60 }];

function removed(
  policies: readonly AccessPolicy[],
  over: { groups?: readonly string[]; facts?: Facts | null; onAccessRemoved?: 'end' | 'keep' } = {},
): AccessRemoved | undefined {
  const { groups = ROBIN.groups, facts = factsOf(), onAccessRemoved = 'end' } = over;
  const grant = { ...grantOf('hash'), terms: { ...TERMS, onAccessRemoved } };
  const session = newSession({ grant });
  return accessRemoved({ session, set: setOf(policies), groups, facts });
}

describe('access is removed', () => {
  test.each<[string, AccessPolicy[], string | null]>([
    ['where nothing is allowed any more', [], null],
    [
      'where what was allowed is for others now',
      [policyOf('a', { match: { groups: ['dba'] } })],
      null,
    ],
    ['where it is for other places', [policyOf('a', { match: { namespaces: ['prod'] } })], null],
    ['where it is for other profiles', [policyOf('a', { match: { profiles: ['x'] } })], null],
    [
      'where it is for other Pods',
      [
        policyOf('a', {
          match: { workloads: [{ kinds: ['Job'], names: ['*'], podSelector: [] }] },
        }),
      ],
      null,
    ],
    ['where a condition says no', [policyOf('a', { when: condition('no', 'target') })], null],
    [
      'where a deny matches, whatever else allows it',
      [policyOf('a'), policyOf('no', { effect: 'deny' }), policyOf('z', { effect: 'deny' })],
      'no',
    ],
  ])('%s', (_, policies, rule) => {
    expect(removed(policies)).toEqual({ by: 'policy', rule });
  });

  test('where the requester lost the group that let them in', () => {
    expect(removed([policyOf('a')], { groups: [] })).toEqual({ by: 'groups', rule: null });
  });
});

describe('access is not removed', () => {
  test.each<[string, AccessPolicy[]]>([
    ['by terms that are stricter now', [policyOf('a', { terms: { longestSeconds: 1 } })]],
    ['because of the time of day', [policyOf('a', { match: { times: NIGHT } })]],
    [
      'by a deny for some times of day',
      [policyOf('a'), policyOf('no', { effect: 'deny', match: { times: NIGHT } })],
    ],
    [
      'by a condition that cannot be told',
      [policyOf('a', { when: condition('unknown', 'onCall') })],
    ],
    [
      'by a deny that cannot be told',
      [policyOf('a'), policyOf('no', { effect: 'deny', when: condition('unknown', 'onCall') })],
    ],
    ['by a condition that is too dear to be tested', [policyOf('a', { when: dear('no') })]],
    [
      'by a deny that is too dear to be tested',
      [policyOf('a'), policyOf('no', { effect: 'deny', when: dear('yes') })],
    ],
    ['by a condition about the past', [policyOf('a', { when: condition('no', 'history') })]],
    [
      'by a deny about what the time is',
      [policyOf('a'), policyOf('no', { effect: 'deny', when: condition('yes', 'now') })],
    ],
    [
      'while one of several rules lets them in',
      [policyOf('a', { match: { groups: ['dba'] } }), policyOf('b')],
    ],
  ])('%s', (_, policies) => {
    expect(removed(policies)).toBeUndefined();
  });

  test('where the terms that were granted keep the session', () => {
    expect(removed([], { onAccessRemoved: 'keep' })).toBeUndefined();
  });

  test('from a session whose facts were not kept', () => {
    expect(removed([], { facts: null })).toBeUndefined();
  });
});
