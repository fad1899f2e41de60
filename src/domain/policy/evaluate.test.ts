import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FactsOver, PolicyOver } from '../../../test/support/policies.js';
import {
  TERMS,
  approvals,
  factsOf,
  policyOf,
  requirement,
  setOf,
} from '../../../test/support/policies.js';
import { PROFILE, ROBIN } from '../../../test/support/sessions.js';
import type { Condition, Truth } from './condition.js';
import { asksLeastFirst, decideAsAsked, evaluate, mightAllow, refuseUnseen } from './evaluate.js';
import type { Facts, FoundTarget } from './facts.js';
import { explain } from './explain.js';
import { STEPS_A_DECISION } from './inquiry.js';
import type { AccessPolicy, BreakGlass, Terms } from './policy.js';
import { consentsNeeded } from './policy.js';

function decide(policies: AccessPolicy[], over: FactsOver = {}) {
  return evaluate(setOf(policies), factsOf(over));
}

function ruleOf(policies: AccessPolicy[], over: FactsOver = {}): string | null {
  const decision = decide(policies, over);
  return decision.verdict === 'refuse' ? null : decision.grant.rule;
}

function condition(truth: Truth, why?: string): Condition {
  const outcome = why === undefined ? { truth } : { truth, why };
  return { source: 'x', steps: 1, uses: new Set(), onCallSources: new Set(), test: () => outcome };
}

function about(fact: keyof Facts, truth: Truth): Condition {
  return { ...condition(truth), uses: new Set([fact]) };
}

/** One that cannot be told before the Pod is known. */
const LOOKS_AT_TARGET: Condition = { ...condition('unknown'), uses: new Set(['target']) };

describe('policy', () => {
  test('refuses where no document allows', () => {
    expect(decide([])).toMatchObject({ verdict: 'refuse', rule: null });
  });

  test.each<[string, PolicyOver]>([
    ['another group', { match: { groups: ['dev'] } }],
    ['another cluster', { match: { clusters: ['test'] } }],
    ['another namespace', { match: { namespaces: ['billing', 'shop-*'] } }],
    ['another profile', { match: { profiles: ['netadmin'] } }],
    ['no group and nobody', { match: { groups: [] } }],
    [
      'namespaces with another label',
      { match: { namespaceSelector: [{ key: 'tier', operator: 'Exists', values: [] }] } },
    ],
    [
      'another workload',
      { match: { workloads: [{ kinds: ['Job'], names: ['*'], podSelector: [] }] } },
    ],
    [
      'another time',
      { match: { times: [{ timeZone: 'UTC', days: ['Sun'], fromMinute: 0, toMinute: 0 }] } },
    ],
    ['what its condition does not hold for', { when: condition('no') }],
    ['what its condition cannot tell', { when: condition('unknown') }],
  ])('refuses where the only allow is for %s', (_, over) => {
    expect(decide([policyOf('p', over)])).toMatchObject({ verdict: 'refuse', rule: null });
  });

  test('grants where an allow covers all of it, and says by which rule and which set', () => {
    const set = setOf([policyOf('p')]);
    expect(evaluate(set, factsOf())).toMatchObject({
      verdict: 'grant',
      grant: { rule: 'p', policyHash: set.hash, profile: PROFILE, breakGlass: false },
    });
  });

  test('holds where others must consent, and names them', () => {
    const terms = { approvals: approvals(requirement(2, 'leads'), requirement(1, 'security')) };
    const decision = decide([policyOf('p', { terms })]);
    expect(decision).toMatchObject({ verdict: 'hold', grant: { terms } });
    expect(decision.explanation.join()).toContain('2 of leads and one of security');
  });

  test('lets a deny beat any allow, and names it', () => {
    const deny = policyOf('z-deny', { effect: 'deny', match: { groups: ['*'] } });
    expect(decide([policyOf('a'), deny, policyOf('zz')])).toMatchObject({
      verdict: 'refuse',
      rule: 'z-deny',
    });
  });

  test('a deny of something else denies nothing', () => {
    const deny = policyOf('deny', { effect: 'deny', match: { namespaces: ['kube-system'] } });
    expect(decide([policyOf('a'), deny]).verdict).toBe('grant');
  });

  test('a deny that cannot be told denies, and says what could not be told', () => {
    const when = condition('unknown', 'the on-call source did not answer');
    const deny = policyOf('freeze', { effect: 'deny', when });
    const decision = decide([policyOf('a'), deny]);
    expect(decision).toMatchObject({ verdict: 'refuse', rule: 'freeze' });
    expect(decision.explanation.join()).toContain('the on-call source did not answer');
  });

  test('a star among the groups is everybody signed in', () => {
    const person = { ...ROBIN, groups: [] };
    expect(decide([policyOf('p', { match: { groups: ['*'] } })], { person }).verdict).toBe('grant');
    expect(decide([policyOf('p')], { person }).verdict).toBe('refuse');
  });

  test('a person in a group named * is no more than anybody else', () => {
    expect(decide([policyOf('p')], { person: { ...ROBIN, groups: ['*'] } }).verdict).toBe('refuse');
  });

  test('a rule may name people one by one, with their issuer or without', () => {
    for (const user of [ROBIN.sub, `${ROBIN.iss}|${ROBIN.sub}`]) {
      expect(ruleOf([policyOf('p', { match: { groups: [], users: [user] } })])).toBe('p');
    }
    const other = policyOf('p', { match: { groups: [], users: [`https://x|${ROBIN.sub}`] } });
    expect(ruleOf([other])).toBeNull();
  });

  test.each<[string, FactsOver, Partial<Terms>]>([
    ['is longer than it grants', { request: { durationSeconds: 3601 } }, {}],
    ['has no reason', { request: { reason: '' } }, { reason: { required: true, pattern: null } }],
    ['has no ticket', {}, { ticket: { required: true, pattern: null } }],
    [
      'is one too many of the person',
      {
        history: { ...factsOf().history, mine: { open: 2, lastHour: 2, lastDay: 2, lastWeek: 2 } },
      },
      { concurrent: { perPerson: 2, perPod: null } },
    ],
    [
      'is one too many on the Pod',
      {
        history: {
          ...factsOf().history,
          target: { open: 1, lastHour: 1, lastDay: 1, lastWeek: 1 },
        },
      },
      { concurrent: { perPerson: null, perPod: 1 } },
    ],
  ])('refuses what %s, and says what is lacking', (_, over, terms) => {
    const decision = decide([policyOf('p', { terms })], over);
    expect(decision.verdict).toBe('refuse');
    expect(decision.explanation.join()).toContain('"p" would allow it, but');
  });

  test('refuses a text that does not match its pattern, and shows the pattern', () => {
    const pattern = {
      source: 'INC-[0-9]+',
      stepsPerChar: 1,
      matches: (text: string) => /^INC-\d+$/.test(text),
    };
    const rule = policyOf('p', { patterns: { reason: null, ticket: pattern } });
    expect(ruleOf([rule], { request: { ticket: 'INC-1' } })).toBe('p');
    const decision = decide([rule], { request: { ticket: 'none' } });
    expect(decision.explanation.join()).toContain('its ticket must match INC-[0-9]+');
  });

  test('refuses a profile that no document defines', () => {
    expect(decide([policyOf('p')], { request: { profile: 'none' } }).verdict).toBe('refuse');
  });

  test('takes of several allows the one that asks least and is met', () => {
    const policies = [
      policyOf('short', { terms: { longestSeconds: 60 } }),
      policyOf('approved', {
        terms: { approvals: approvals(requirement(1, 'leads')), longestSeconds: 7200 },
      }),
      policyOf('b-free'),
      policyOf('a-free'),
    ];
    const ruleFor = (durationSeconds: number) => ruleOf(policies, { request: { durationSeconds } });
    expect(ruleFor(60)).toBe('a-free');
    expect(ruleFor(3600)).toBe('a-free');
    expect(ruleFor(7200)).toBe('approved');
    expect(ruleFor(7201)).toBeNull();
  });

  test('asks least by these, in this order: consents, requirements, ticket, reason, duration, name', () => {
    const worse: [string, Partial<Terms>][] = [
      ['g-name', {}],
      ['f-shorter', { longestSeconds: 3000 }],
      ['e-reason', { longestSeconds: 9000, reason: { required: true, pattern: null } }],
      ['d-ticket', { longestSeconds: 9000, ticket: { required: true, pattern: null } }],
      ['c-two-sets', { approvals: approvals(requirement(0, 'a'), requirement(0, 'b')) }],
      ['b-consent', { approvals: approvals(requirement(1, 'a')) }],
      ['a-consents', { approvals: approvals(requirement(2, 'a')) }],
    ];
    const request = { reason: 'why', ticket: 'T-1' };
    for (let kept = worse.length; kept > 0; kept--) {
      const left = worse
        .slice(worse.length - kept)
        .map(([name, terms]) => policyOf(name, { terms }));
      expect(ruleOf(left, { request })).toBe(left[0]?.name);
    }
  });

  test('tells nobody of rules that are made for others', () => {
    const secret = policyOf('merger-talks', { match: { groups: ['board'] } });
    const { explanation } = decide([secret, policyOf('mine', { match: { namespaces: ['x'] } })]);
    expect(explanation.join()).not.toContain('merger');
    expect(explanation.join()).toContain('"mine"');
  });

  test('a refusal tells of ten policies at most, however many would allow it on other terms', () => {
    const many = Array.from({ length: 300 }, (_, at) =>
      policyOf(`p${at}`, { terms: { ticket: { required: true, pattern: null } } }),
    );
    const decision = decide(many);
    expect(decision.verdict).toBe('refuse');
    expect(decision.explanation).toHaveLength(10);
  });
});

describe('breaking the glass', () => {
  const offer: BreakGlass = {
    signIn: { acr: ['gold'], amr: ['mfa'], maxAgeSeconds: 600 },
    review: { groups: ['security'], users: [], withinSeconds: 3600 },
    debt: { of: 'person' },
  };
  const rule = policyOf('p', {
    terms: {
      approvals: approvals(requirement(2, 'leads')),
      recording: 'best-effort',
      breakGlass: offer,
    },
  });
  const strong = { acr: 'gold', amr: ['pwd', 'mfa'], authAgeSeconds: 600 };
  const asked: FactsOver = { request: { breakGlass: true }, requester: strong };

  test('lets in at once where a rule offers it, and always on a strict record', () => {
    expect(decide([rule], asked)).toMatchObject({
      verdict: 'grant',
      grant: { breakGlass: true, terms: { recording: 'strict' } },
    });
  });

  test('is not had without asking for it, nor where no rule offers it', () => {
    expect(decide([rule], { requester: strong }).verdict).toBe('hold');
    expect(decide([policyOf('free')], asked).verdict).toBe('refuse');
  });

  test.each([
    ['of another class', { acr: 'silver' }],
    ['without the method', { amr: ['pwd'] }],
    ['that is too old', { authAgeSeconds: 601 }],
    ['of unknown age', { authAgeSeconds: null }],
  ])('is refused with a sign-in %s, and says so', (_, weaker) => {
    const decision = decide([rule], { ...asked, requester: { ...strong, ...weaker } });
    expect(decision.verdict).toBe('refuse');
    expect(decision.explanation.join()).toContain('sign');
  });

  test('is refused while the review of an earlier one is overdue: one’s own, and the team’s', () => {
    const overdue = (mine: number, byTeam: Record<string, number>) => ({
      ...asked,
      history: { ...factsOf().history, overdueReviews: { mine, byTeam } },
    });
    expect(decide([rule], overdue(1, {})).verdict).toBe('refuse');
    expect(decide([rule], overdue(0, { sre: 1 })).verdict).toBe('grant');
    const team = policyOf('t', {
      terms: { breakGlass: { ...offer, debt: { of: 'team', team: 'sre' } } },
    });
    expect(decide([team], overdue(1, {})).verdict).toBe('refuse');
    expect(decide([team], overdue(0, { sre: 1 })).verdict).toBe('refuse');
  });
});

describe('before the cluster is asked', () => {
  const unseen = (policies: AccessPolicy[], over: FactsOver = {}) =>
    refuseUnseen(setOf(policies), factsOf({ found: null, ...over }));
  const selector = [{ key: 'tier', operator: 'Exists' as const, values: [] }];

  test('Pods may be seen where some rule could let them in, whatever they say about their request', () => {
    const may = (...policies: AccessPolicy[]) =>
      mightAllow(setOf(policies), factsOf({ found: null, request: { durationSeconds: 9999 } }));
    expect(may()).toBe(false);
    expect(may(policyOf('p'))).toBe(true);
    expect(may(policyOf('p', { match: { namespaces: ['x'] } }))).toBe(false);
    expect(may(policyOf('p', { when: about('requester', 'no') }))).toBe(false);
    expect(may(policyOf('p', { when: about('request', 'no') }))).toBe(true);
    expect(may(policyOf('p', { when: about('target', 'unknown') }))).toBe(true);
  });

  test('a deny hides Pods, unless it depends on what is asked for', () => {
    const may = (deny: AccessPolicy) =>
      mightAllow(setOf([policyOf('p'), deny]), factsOf({ found: null }));
    expect(may(policyOf('d', { effect: 'deny' }))).toBe(false);
    expect(may(policyOf('d', { effect: 'deny', when: about('request', 'yes') }))).toBe(true);
    expect(may(policyOf('d', { effect: 'deny', when: about('now', 'no') }))).toBe(true);
  });

  test('a request that no rule could allow is refused', () => {
    expect(unseen([])).toMatchObject({ verdict: 'refuse', rule: null });
    expect(unseen([policyOf('p', { match: { namespaces: ['x'] } })])?.verdict).toBe('refuse');
    expect(unseen([policyOf('p')], { request: { profile: 'none' } })?.verdict).toBe('refuse');
    expect(unseen([policyOf('p')], { request: { durationSeconds: 9999 } })?.verdict).toBe('refuse');
    expect(unseen([policyOf('p', { when: condition('unknown') })])?.verdict).toBe('refuse');
  });

  test('a deny that needs no look refuses, one that does waits for it', () => {
    const deny = policyOf('d', { effect: 'deny' });
    const labelled = policyOf('d', { effect: 'deny', match: { namespaceSelector: selector } });
    expect(unseen([policyOf('p'), deny])?.rule).toBe('d');
    expect(unseen([policyOf('p'), labelled])).toBeUndefined();
  });

  test('a rule that depends on the target may still allow', () => {
    expect(unseen([policyOf('p', { match: { namespaceSelector: selector } })])).toBeUndefined();
    const workloads = [{ kinds: ['Job' as const], names: ['*'], podSelector: [] }];
    expect(unseen([policyOf('p', { match: { workloads } })])).toBeUndefined();
    expect(unseen([policyOf('p', { when: LOOKS_AT_TARGET })])).toBeUndefined();
  });
});

describe('once the namespace is known', () => {
  const selector = [{ key: 'tier', operator: 'In' as const, values: ['prod'] }];
  const workloads = [{ kinds: ['Job' as const], names: ['*'], podSelector: [] }];
  const job = { kind: 'Job' as const, name: 'report' };
  /** What is said where there is no such Pod, and of these Pods. */
  const saying = (
    policies: AccessPolicy[],
    namespaceLabels: FoundTarget['namespaceLabels'],
    over: FactsOver = {},
  ) => {
    const ofPod = (found: Partial<FoundTarget>) =>
      factsOf({ ...over, found: { namespaceLabels, ...found } });
    const { target, ...rest } = ofPod({});
    const absent = { namespaceLabels, namespaceAnnotations: {}, pod: null };
    return {
      absent: decideAsAsked(setOf(policies), { ...rest, target: { ...target, found: absent } }),
      pods: [{}, { owner: job }, { ready: false, labels: { app: 'web' } }].map((found) =>
        decideAsAsked(setOf(policies), ofPod(found)),
      ),
    };
  };

  test.each<[string, AccessPolicy[], FoundTarget['namespaceLabels'], FactsOver]>([
    [
      'whose labels no rule selects',
      [policyOf('p', { match: { namespaceSelector: selector, workloads } })],
      { tier: 'test' },
      {},
    ],
    [
      'whose labels cannot be read, and the rule looks at them',
      [policyOf('p', { match: { namespaceSelector: selector, workloads } })],
      null,
      {},
    ],
    [
      'that a deny is for',
      [
        policyOf('p', { match: { workloads } }),
        policyOf('d', { effect: 'deny', match: { namespaceSelector: selector } }),
      ],
      { tier: 'prod' },
      {},
    ],
    [
      'where a source does not answer on which all depends',
      [policyOf('p', { match: { workloads }, when: condition('unknown') })],
      { tier: 'prod' },
      {},
    ],
  ])(
    'in one %s, a refusal is the same whatever Pod is there, or none',
    (_, policies, labels, over) => {
      const { absent, pods } = saying(policies, labels, over);
      expect(absent?.verdict).toBe('refuse');
      for (const pod of pods) expect(pod).toEqual(absent);
    },
  );

  test('it depends on the Pod where a rule that looks at Pods might allow it', () => {
    const rule = policyOf('p', { match: { namespaceSelector: selector, workloads } });
    const { absent, pods } = saying([rule], { tier: 'prod' });
    expect(absent).toBeUndefined();
    expect(pods.map((it) => it?.verdict)).toEqual(['refuse', 'grant', 'refuse']);
    const denied = policyOf('d', { effect: 'deny', match: { workloads } });
    expect(saying([policyOf('p'), denied], {}).absent).toBeUndefined();
    expect(saying([policyOf('p', { when: LOOKS_AT_TARGET })], {}).absent).toBeUndefined();
  });
});

describe('labels that cannot be told', () => {
  const exists = [{ key: 'tier', operator: 'Exists' as const, values: [] }];
  const absent = [{ key: 'tier', operator: 'DoesNotExist' as const, values: [] }];
  const job = { kinds: ['Job' as const], names: ['*'], podSelector: exists };
  const pod = { kinds: ['Pod' as const], names: ['*'], podSelector: [] };
  const unknown = factsOf({ found: { namespaceLabels: null, labels: null } });
  const verdict = (...policies: AccessPolicy[]) => evaluate(setOf(policies), unknown).verdict;

  test.each([
    ['of the namespace', { namespaceSelector: exists }],
    ['of the namespace, though one must be absent', { namespaceSelector: absent }],
    ['of the Pod', { workloads: [{ ...pod, podSelector: exists }] }],
    ['of the Pod, though one must be absent', { workloads: [{ ...pod, podSelector: absent }] }],
  ])('%s allow nothing, and a deny that looks at them denies', (_, match) => {
    expect(verdict(policyOf('p', { match }))).toBe('refuse');
    expect(verdict(policyOf('p'), policyOf('d', { effect: 'deny', match }))).toBe('refuse');
  });

  test('are no hindrance to a rule that does not need them', () => {
    expect(verdict(policyOf('p', { match: { workloads: [job, pod] } }))).toBe('grant');
    const deny = policyOf('d', { effect: 'deny', match: { workloads: [job] } });
    expect(verdict(policyOf('p'), deny)).toBe('grant');
  });
});

describe('for all policies', () => {
  const truth = fc.constantFrom<Truth>('yes', 'yes', 'no', 'unknown');
  const anyPolicy = (effect: fc.Arbitrary<'allow' | 'deny'>): fc.Arbitrary<AccessPolicy> =>
    fc
      .record({
        effect,
        match: fc.record({
          groups: fc.subarray(['*', 'oncall', 'dev'], { minLength: 1 }),
          users: fc.subarray(['robin', 'alex']),
          clusters: fc.subarray(['*', 'prod', 'test'], { minLength: 1 }),
          namespaces: fc.subarray(['*', 'shop', 'sh*', 'billing'], { minLength: 1 }),
          profiles: fc.subarray(['*', 'shell', 'net'], { minLength: 1 }),
        }),
        when: fc.option(truth, { nil: null }),
        longestSeconds: fc.constantFrom(60, 600, 3600),
        require: fc.array(
          fc.record({
            count: fc.integer({ min: 0, max: 2 }),
            groups: fc.subarray(['leads', 'security'], { minLength: 1 }),
          }),
          { maxLength: 2 },
        ),
        reason: fc.boolean(),
        ticket: fc.boolean(),
        offersBreakGlass: fc.boolean(),
      })
      .map((it) =>
        policyOf('', {
          effect: it.effect,
          match: it.match,
          when: it.when === null ? null : condition(it.when),
          terms: {
            longestSeconds: it.longestSeconds,
            approvals: approvals(...it.require.map((one) => requirement(one.count, ...one.groups))),
            reason: { required: it.reason, pattern: null },
            ticket: { required: it.ticket, pattern: null },
            breakGlass: it.offersBreakGlass
              ? {
                  signIn: { acr: [], amr: [], maxAgeSeconds: null },
                  review: { groups: ['security'], users: [], withinSeconds: 60 },
                  debt: { of: 'person' },
                }
              : null,
          },
        }),
      );
  const named = (policies: AccessPolicy[]): AccessPolicy[] =>
    policies.map((it, index) => ({ ...it, name: `p${index}` }));
  const mixed = fc.array(anyPolicy(fc.constantFrom('allow', 'allow', 'deny')), { maxLength: 6 });
  const request = fc.record({
    cluster: fc.constantFrom('prod', 'test'),
    namespace: fc.constantFrom('shop', 'billing'),
    request: fc.record({
      profile: fc.constantFrom('shell', 'net'),
      durationSeconds: fc.constantFrom(60, 600, 3600),
      reason: fc.constantFrom('', 'why'),
      ticket: fc.constantFrom('', 'T-1'),
      breakGlass: fc.boolean(),
    }),
  });
  const profiles = [PROFILE, { ...PROFILE, name: 'net' }];
  const verdictOf = (policies: AccessPolicy[], asked: FactsOver) => {
    const { hash: _, ...set } = setOf(policies, profiles);
    return evaluate({ ...set, hash: '0' }, factsOf(asked));
  };
  /** How much a decision asks: consents, or no way at all. */
  const asks = (decision: ReturnType<typeof verdictOf>): number =>
    decision.verdict === 'refuse'
      ? Infinity
      : decision.grant.breakGlass
        ? 0
        : consentsNeeded(decision.grant.terms.approvals.require);

  test('their order never matters', () => {
    fc.assert(
      fc.property(mixed, request, fc.nat(), (policies, asked, seed) => {
        const all = named(policies);
        const shuffled = [...all];
        let left = seed;
        for (let size = shuffled.length; size > 1; left = Math.floor(left / size), size--) {
          shuffled.push(...shuffled.splice(left % size, 1));
        }
        expect(verdictOf(shuffled, asked)).toEqual(verdictOf(all, asked));
      }),
    );
  });

  /** Some of their conditions are dear, so that not all can be tested. */
  const dear = fc
    .tuple(mixed, fc.array(fc.constantFrom(1, STEPS_A_DECISION / 2, STEPS_A_DECISION)))
    .map(([policies, steps]) =>
      policies.map((policy, at) => ({
        ...policy,
        when: policy.when && { ...policy.when, steps: steps[at] ?? 1 },
      })),
    );
  const cheap = (policies: AccessPolicy[]): AccessPolicy[] =>
    policies.map((it) => ({ ...it, when: it.when && { ...it.when, steps: 1 } }));

  test('nor does it, nor that of groups, where not all conditions can be tested', () => {
    fc.assert(
      fc.property(dear, request, (policies, asked) => {
        const all = named(policies);
        const decision = verdictOf(all, asked);
        expect(verdictOf(all.toReversed(), asked)).toEqual(decision);
        const groups = factsOf(asked).requester.groups.toReversed();
        expect(verdictOf(all, { ...asked, requester: { groups } })).toEqual(decision);
      }),
    );
  });

  test('conditions that are not tested never let more in than if they had been', () => {
    fc.assert(
      fc.property(dear, request, (policies, asked) => {
        const tested = verdictOf(cheap(named(policies)), asked);
        expect(asks(verdictOf(named(policies), asked))).toBeGreaterThanOrEqual(asks(tested));
      }),
    );
  });

  test('a deny that is added never allows more where not all conditions can be tested', () => {
    fc.assert(
      fc.property(dear, dear, request, (policies, more, asked) => {
        const denies = more.map((it, at) => ({ ...it, effect: 'deny' as const, name: `d${at}` }));
        const before = verdictOf(named(policies), asked);
        const after = verdictOf([...denies, ...named(policies)], asked);
        expect(asks(after)).toBeGreaterThanOrEqual(asks(before));
      }),
    );
  });

  test('explaining a decision does not change it, whatever can be tested', () => {
    fc.assert(
      fc.property(dear, request, (policies, asked) => {
        const set = setOf(named(policies), profiles);
        expect(explain(set, factsOf(asked)).decision).toEqual(evaluate(set, factsOf(asked)));
      }),
    );
  });

  test('which asks less is a total order: of two rules one, and never in a circle', () => {
    fc.assert(
      fc.property(mixed, (policies) => {
        const all = named(policies);
        for (const a of all) {
          for (const b of all) {
            expect(Math.sign(asksLeastFirst(a, b))).toBe(-Math.sign(asksLeastFirst(b, a)) + 0);
            expect(asksLeastFirst(a, b) === 0).toBe(a === b);
            for (const c of all) {
              if (asksLeastFirst(a, b) < 0 && asksLeastFirst(b, c) < 0) {
                expect(asksLeastFirst(a, c)).toBeLessThan(0);
              }
            }
          }
        }
      }),
    );
  });

  test('the index leaves out nothing that matters: looking at every rule decides the same', () => {
    fc.assert(
      fc.property(mixed, request, (policies, asked) => {
        const set = setOf(named(policies), profiles);
        const every = {
          candidates: () => set.policies,
          concerning: () => set.policies,
          dearest: () => set.index.dearest(),
        };
        const facts = factsOf(asked);
        const naive = evaluate({ ...set, index: every }, facts);
        const indexed = evaluate(set, facts);
        const { explanation: _, ...said } = naive;
        expect(indexed).toMatchObject(said);
      }),
    );
  });

  test('a deny that is added never allows more, nor lowers the consents', () => {
    fc.assert(
      fc.property(mixed, anyPolicy(fc.constant('deny')), request, (policies, deny, asked) => {
        const before = verdictOf(named(policies), asked);
        const after = verdictOf([...named(policies), { ...deny, name: 'added' }], asked);
        expect(asks(after)).toBeGreaterThanOrEqual(asks(before));
        if (after.verdict !== 'refuse' && before.verdict !== 'refuse') {
          expect(after.grant.rule).toBe(before.grant.rule);
        }
      }),
    );
  });

  test('an allow that is added never takes a right away', () => {
    fc.assert(
      fc.property(mixed, anyPolicy(fc.constant('allow')), request, (policies, allow, asked) => {
        const before = verdictOf(named(policies), asked);
        const after = verdictOf([...named(policies), { ...allow, name: 'added' }], asked);
        expect(asks(after)).toBeLessThanOrEqual(asks(before));
      }),
    );
  });

  test('what is granted is within the terms of a rule that covers it', () => {
    fc.assert(
      fc.property(mixed, request, (policies, asked) => {
        const decision = verdictOf(named(policies), asked);
        if (decision.verdict === 'refuse') return;
        const { terms, breakGlass } = decision.grant;
        expect(asked.request.durationSeconds).toBeLessThanOrEqual(terms.longestSeconds);
        if (terms.ticket.required) expect(asked.request.ticket).not.toBe('');
        if (terms.reason.required) expect(asked.request.reason).not.toBe('');
        expect(breakGlass).toBe(asked.request.breakGlass);
        if (breakGlass) expect(terms.breakGlass).not.toBeNull();
        expect(decision.verdict).toBe(asks(decision) === 0 ? 'grant' : 'hold');
      }),
    );
  });

  test('a request that is longer is never let in where a shorter one is not', () => {
    fc.assert(
      fc.property(mixed, request, (policies, asked) => {
        const lasting = (durationSeconds: number) =>
          verdictOf(named(policies), { ...asked, request: { ...asked.request, durationSeconds } });
        expect(asks(lasting(60))).toBeLessThanOrEqual(asks(lasting(3600)));
      }),
    );
  });

  test('what is refused before the cluster is asked would be refused after it, whatever it says', () => {
    fc.assert(
      fc.property(fc.oneof(mixed, dear), request, (policies, asked) => {
        const set = setOf(named(policies), profiles);
        const early = refuseUnseen(set, factsOf({ ...asked, found: null }));
        const seen = factsOf(asked);
        const late = evaluate(set, seen);
        if (early) expect(late.verdict).toBe('refuse');
        const staged = decideAsAsked(set, seen);
        expect(staged?.verdict).toBe(late.verdict);
        if (late.verdict !== 'refuse') expect(staged).toEqual(late);
      }),
    );
  });
});

test('the terms of a grant are those of its rule, each of them', () => {
  const decision = decide([policyOf('p')]);
  expect(decision.verdict === 'refuse' ? null : decision.grant.terms).toEqual(TERMS);
});
