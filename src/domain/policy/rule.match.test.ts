import { describe, expect, test } from 'vitest';
import type { FactsOver, PolicyOver } from '../../../test/support/policies.js';
import { factsOf, policyOf } from '../../../test/support/policies.js';
import type { Condition, Truth } from './condition.js';
import { Inquiry } from './inquiry.js';
import { matchOf, missesOf, partsOf } from './rule.match.js';

const tier = [{ key: 'tier', operator: 'In' as const, values: ['prod'] }];
const condition = (truth: Truth) => ({
  source: 'x > 1',
  steps: 1,
  uses: new Set<never>(),
  onCallSources: new Set<string>(),
  test: () => ({ truth, why: 'x is not there' }),
});

describe('a rule', () => {
  test.each<[string, PolicyOver, FactsOver, Truth]>([
    ['by namespace labels', { match: { namespaceSelector: tier } }, {}, 'no'],
    [
      'by namespace labels that are there',
      { match: { namespaceSelector: tier } },
      { found: { namespaceLabels: { tier: 'prod' } } },
      'yes',
    ],
    [
      'by namespace labels, unseen',
      { match: { namespaceSelector: tier } },
      { found: null },
      'unknown',
    ],
    [
      'by kind and name of the workload',
      { match: { workloads: [{ kinds: ['Deployment'], names: ['web*'], podSelector: [] }] } },
      { found: { owner: { kind: 'Deployment', name: 'web-api' } } },
      'yes',
    ],
    [
      'by kind of another workload',
      { match: { workloads: [{ kinds: ['Job'], names: ['web*'], podSelector: [] }] } },
      { found: { owner: { kind: 'Deployment', name: 'web-api' } } },
      'no',
    ],
    [
      'by labels of the Pod',
      { match: { workloads: [{ kinds: ['Pod'], names: ['*'], podSelector: tier }] } },
      { found: { labels: { tier: 'prod' } } },
      'yes',
    ],
    [
      'by any of its workloads',
      {
        match: {
          workloads: [
            { kinds: ['Job'], names: ['*'], podSelector: [] },
            { kinds: ['Pod'], names: ['*'], podSelector: [] },
          ],
        },
      },
      {},
      'yes',
    ],
    ['by a condition that cannot be told', { when: condition('unknown') }, {}, 'unknown'],
    [
      'by a part that says no beside one that cannot be told',
      { when: condition('no'), match: { namespaceSelector: tier } },
      { found: null },
      'no',
    ],
  ])('%s matches as it should', (_, over, facts, truth) => {
    expect(matchOf(policyOf('p', over), new Inquiry(factsOf(facts)))).toBe(truth);
  });

  const ELSEWHERE = {
    match: {
      groups: ['dev'],
      clusters: ['c'],
      namespaces: ['n'],
      profiles: ['q'],
      times: [{ timeZone: 'UTC', days: ['Sun' as const], fromMinute: 0, toMinute: 60 }],
      namespaceSelector: tier,
      workloads: [{ kinds: ['Job' as const], names: ['*'], podSelector: tier }],
    },
  };

  test('tells each part that keeps it from matching', () => {
    expect(missesOf(policyOf('p', ELSEWHERE), new Inquiry(factsOf()))).toEqual([
      'it is for dev',
      'not for the cluster "sandbox"',
      'not for the namespace "staging"',
      'not for the profile "shell"',
      'only at these times: Sun 00:00-01:00 UTC',
      'only for namespaces with the labels tier in (prod)',
      'only for Job * with the labels tier in (prod)',
    ]);
  });

  test('tells of its condition only where nothing else says no: otherwise it was not asked', () => {
    const when = condition('unknown');
    const selector = policyOf('p', { when, match: { namespaceSelector: tier } });
    expect(missesOf(selector, new Inquiry(factsOf({ found: null })))).toEqual([
      'only for namespaces with the labels tier in (prod)',
      'its condition cannot be told: x > 1 (x is not there)',
    ]);
    const unasked: Condition = {
      ...when,
      test: () => {
        throw new Error('it was asked');
      },
    };
    for (const [part, value] of Object.entries(ELSEWHERE.match)) {
      const rule = policyOf('p', { when: unasked, match: { [part]: value } });
      const inquiry = new Inquiry(factsOf());
      expect(matchOf(rule, inquiry)).toBe('no');
      expect(missesOf(rule, inquiry)).toHaveLength(1);
      expect(partsOf(rule, inquiry).map((it) => it.part)).not.toContain('when');
    }
  });
});
