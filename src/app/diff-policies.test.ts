import { expect, test } from 'vitest';
import { approvals, factsOf, policyOf, requirement, setOf } from '../../test/support/policies.js';
import type { FactsOver, PolicyOver } from '../../test/support/policies.js';
import { ROBIN } from '../../test/support/sessions.js';
import { evaluate, refuseUnseen } from '../domain/policy/evaluate.js';
import type { AccessPolicy } from '../domain/policy/policy.js';
import { newSessionId } from '../domain/session/session.js';
import type { ChangeKind, DecisionChange } from './diff-policies.js';
import { DiffPolicies } from './diff-policies.js';
import type { PastDecision } from './ports/past-decisions.js';
import { PastDecisions } from './ports/past-decisions.js';

class Past extends PastDecisions {
  constructor(private readonly all: readonly PastDecision[]) {
    super();
  }

  async *newestFirst(): AsyncIterable<PastDecision> {
    yield* await Promise.resolve(this.all);
  }
}

/** What a request was decided to by these rules. */
function decided(policies: AccessPolicy[], over: FactsOver = {}): PastDecision {
  const facts = factsOf(over);
  const set = setOf(policies);
  const decision =
    (facts.target.found === null && refuseUnseen(set, facts)) || evaluate(set, facts);
  const isRefused = decision.verdict === 'refuse';
  return {
    sessionId: newSessionId(),
    at: facts.now,
    verdict: decision.verdict,
    rule: isRefused ? decision.rule : decision.grant.rule,
    explanation: decision.explanation,
    facts,
    requester: ROBIN,
    target: { kind: 'pod', name: 'web' },
    grant: isRefused ? null : decision.grant,
  };
}

async function diff(past: readonly PastDecision[], proposed: AccessPolicy[]) {
  const changes: DecisionChange[] = [];
  const summary = await new DiffPolicies(new Past(past)).diff({
    set: setOf(proposed),
    since: new Date(0),
    limit: 100,
    changed: (change) => void changes.push(change),
  });
  return { changes, summary };
}

const consents = (count: number): PolicyOver => ({
  terms: { approvals: approvals(requirement(count, 'leads')) },
});
const NEVER = policyOf('p', { match: { groups: ['nobody'] } });

test.each<[ChangeKind, AccessPolicy[], AccessPolicy[]]>([
  ['newly-allowed', [], [policyOf('p')]],
  ['newly-refused', [policyOf('p')], [NEVER]],
  ['more-consents', [policyOf('p')], [policyOf('p', consents(1))]],
  ['fewer-consents', [policyOf('p', consents(2))], [policyOf('p', consents(1))]],
  ['other-rule', [policyOf('p')], [policyOf('q')]],
  ['other-rule', [policyOf('d', { effect: 'deny' })], [policyOf('e', { effect: 'deny' })]],
  ['other-terms', [policyOf('p')], [policyOf('p', { terms: { onOverrun: 'evict' } })]],
  [
    'other-terms',
    [policyOf('p', consents(1))],
    [policyOf('p', { terms: { approvals: approvals(requirement(1, 'others')) } })],
  ],
])('a decision that would be %s is told so', async (change, before, after) => {
  const { changes, summary } = await diff([decided(before)], after);
  expect(changes).toMatchObject([{ change, who: 'robin@example.com', target: 'Pod web' }]);
  expect(summary).toMatchObject({ replayed: 1, changed: 1, byChange: { [change]: 1 } });
});

test('what was refused without asking the cluster, and would now need it, is told as open', async () => {
  const past = decided([], { found: null });
  const workloads = [{ kinds: ['Job' as const], names: ['*'], podSelector: [] }];
  const { changes } = await diff([past], [policyOf('jobs', { match: { workloads } })]);
  expect(changes).toMatchObject([{ change: 'needs-cluster', to: { verdict: 'open' } }]);
});

test('what was refused with its namespace known and no Pod is decided by the namespace, or told as open', async () => {
  const past = decided([]);
  const { facts } = past;
  if (!facts) throw new Error('no facts');
  const found = { namespaceLabels: { tier: 'prod' }, namespaceAnnotations: {}, pod: null };
  const absent = { ...past, facts: { ...facts, target: { ...facts.target, found } } };
  const only = (tier: string): PolicyOver => ({
    match: { namespaceSelector: [{ key: 'tier', operator: 'In', values: [tier] }] },
  });
  expect((await diff([absent], [policyOf('p', only('test'))])).changes).toEqual([]);
  expect((await diff([absent], [policyOf('p', only('prod'))])).changes).toMatchObject([
    { change: 'needs-cluster', to: { verdict: 'open' } },
  ]);
});

test('the same rules change nothing, and sentences alone are no change', async () => {
  const rules = [policyOf('p', consents(1)), policyOf('d', { match: { namespaces: ['x'] } })];
  const past = [decided(rules), decided(rules, { namespace: 'x' }), decided([])];
  const { summary } = await diff(past.slice(0, 2), rules);
  expect(summary).toMatchObject({ replayed: 2, changed: 0 });
  const renamed = await diff(past.slice(2), [NEVER]);
  expect(renamed.summary).toMatchObject({ replayed: 1, changed: 0 });
});

test('decisions whose facts were not kept are counted, and not made again', async () => {
  const { summary, changes } = await diff([{ ...decided([]), facts: null }], [policyOf('p')]);
  expect(summary).toMatchObject({ replayed: 0, changed: 0, withoutFacts: 1 });
  expect(changes).toEqual([]);
});
