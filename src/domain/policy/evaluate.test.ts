import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Person } from '../person.js';
import { evaluate } from './evaluate.js';
import type { AccessPolicy, DebugProfile, Terms } from './policy.js';
import { policySet } from './policy-set.js';

const TERMS: Terms = {
  longestSeconds: 3600,
  approvals: { count: 0, groups: [] },
  reasonRequired: false,
  ticketRequired: false,
  onOverrun: 'alert',
};

const PROFILE: DebugProfile = {
  name: 'shell',
  description: '',
  image: 'tools',
  imagePullPolicy: 'IfNotPresent',
  securityContext: null,
  env: [],
  shell: '/bin/sh',
};

const ANN: Person = { iss: 'https://login.example.com', sub: 'ann', groups: ['oncall'] };

const REQUEST = {
  cluster: 'prod',
  namespace: 'shop',
  profile: 'shell',
  durationSeconds: 600,
  reason: 'orders fail',
};

function policy(
  name: string,
  more: Partial<Omit<AccessPolicy, 'match' | 'terms'>> & {
    match?: Partial<AccessPolicy['match']>;
    terms?: Partial<Terms>;
  } = {},
): AccessPolicy {
  return {
    effect: 'allow',
    name,
    ...more,
    match: {
      groups: ['oncall'],
      clusters: ['*'],
      namespaces: ['*'],
      profiles: ['*'],
      ...more.match,
    },
    terms: { ...TERMS, ...more.terms },
  };
}

function decide(policies: AccessPolicy[], request: Partial<typeof REQUEST> = {}, person = ANN) {
  return evaluate(policySet(policies, [PROFILE]), person, { ...REQUEST, ...request });
}

describe('policy', () => {
  test('refuses where no document allows', () => {
    expect(decide([])).toMatchObject({ verdict: 'refuse', rule: null });
  });

  test.each([
    ['another group', { groups: ['dev'] }],
    ['another cluster', { clusters: ['test'] }],
    ['another namespace', { namespaces: ['billing', 'shop-*'] }],
    ['another profile', { profiles: ['netadmin'] }],
    ['no group at all', { groups: [] }],
  ])('refuses where the only allow is for %s', (_, match) => {
    expect(decide([policy('p', { match })])).toMatchObject({ verdict: 'refuse', rule: null });
  });

  test('grants where an allow covers all of it, and says by which rule and which set', () => {
    const policies = [policy('p')];
    const decision = decide(policies);
    expect(decision).toMatchObject({
      verdict: 'grant',
      grant: { rule: 'p', policyHash: policySet(policies, [PROFILE]).hash, profile: PROFILE },
    });
  });

  test('holds where others must consent', () => {
    const terms = { approvals: { count: 2, groups: ['leads'] } };
    expect(decide([policy('p', { terms })])).toMatchObject({ verdict: 'hold', grant: { terms } });
  });

  test('lets a deny beat any allow, and names it', () => {
    const deny = policy('z-deny', { effect: 'deny', match: { groups: ['*'] } });
    expect(decide([policy('a'), deny, policy('zz')])).toMatchObject({
      verdict: 'refuse',
      rule: 'z-deny',
    });
  });

  test('a deny of something else denies nothing', () => {
    const deny = policy('deny', { effect: 'deny', match: { namespaces: ['kube-system'] } });
    expect(decide([policy('a'), deny]).verdict).toBe('grant');
  });

  test('a star among the groups is everybody signed in', () => {
    const stranger = { ...ANN, groups: [] };
    expect(decide([policy('p', { match: { groups: ['*'] } })], {}, stranger).verdict).toBe('grant');
    expect(decide([policy('p')], {}, stranger).verdict).toBe('refuse');
  });

  test('a person in a group named * is no more than anybody else', () => {
    const odd = { ...ANN, groups: ['*'] };
    expect(decide([policy('p')], {}, odd).verdict).toBe('refuse');
  });

  test.each([
    ['is longer than it grants', { durationSeconds: 3601 }, {}],
    ['has no reason', { reason: '' }, { reasonRequired: true }],
    ['has no ticket', {}, { ticketRequired: true }],
  ])('refuses what %s, and says what is lacking', (_, request, terms) => {
    const decision = decide([policy('p', { terms })], request);
    expect(decision.verdict).toBe('refuse');
    expect(decision.explanation.join()).toContain('"p" would allow it, but');
  });

  test('refuses a profile that no document defines', () => {
    expect(decide([policy('p')], { profile: 'none' }).verdict).toBe('refuse');
  });

  test('takes of several allows the one that asks least and is met', () => {
    const one = { count: 1, groups: ['leads'] };
    const policies = [
      policy('short', { terms: { longestSeconds: 60 } }),
      policy('approved', { terms: { approvals: one, longestSeconds: 7200 } }),
      policy('b-free'),
      policy('a-free'),
    ];
    const ruleFor = (durationSeconds: number) => {
      const decision = decide(policies, { durationSeconds });
      return decision.verdict === 'refuse' ? null : decision.grant.rule;
    };
    expect(ruleFor(60)).toBe('a-free');
    expect(ruleFor(3600)).toBe('a-free');
    expect(ruleFor(7200)).toBe('approved');
    expect(ruleFor(7201)).toBeNull();
  });

  test('tells nobody of rules that are made for others', () => {
    const secret = policy('merger-talks', { match: { groups: ['board'] } });
    const { explanation } = decide([secret, policy('mine', { match: { namespaces: ['x'] } })]);
    expect(explanation.join()).not.toContain('merger');
    expect(explanation.join()).toContain('"mine"');
  });
});

describe('for all policies', () => {
  const globs = fc.subarray(['*', 'shop', 'sh*', 'billing'], { minLength: 1 });
  const anyPolicy = (effect: fc.Arbitrary<'allow' | 'deny'>): fc.Arbitrary<AccessPolicy> =>
    fc.record({
      name: fc.constant(''),
      effect,
      match: fc.record({
        groups: fc.subarray(['*', 'oncall', 'dev'], { minLength: 1 }),
        clusters: fc.subarray(['*', 'prod', 'test'], { minLength: 1 }),
        namespaces: globs,
        profiles: fc.subarray(['*', 'shell', 'net'], { minLength: 1 }),
      }),
      terms: fc.record({
        longestSeconds: fc.constantFrom(60, 600, 3600),
        approvals: fc.record({
          count: fc.integer({ min: 0, max: 3 }),
          groups: fc.constant(['leads']),
        }),
        reasonRequired: fc.boolean(),
        ticketRequired: fc.boolean(),
        onOverrun: fc.constantFrom('alert' as const, 'evict' as const),
      }),
    });
  const named = (policies: AccessPolicy[]): AccessPolicy[] =>
    policies.map((it, index) => ({ ...it, name: `p${index}` }));
  const mixed = fc.array(anyPolicy(fc.constantFrom('allow', 'allow', 'deny')), { maxLength: 6 });
  const request = fc.record({
    cluster: fc.constantFrom('prod', 'test'),
    namespace: fc.constantFrom('shop', 'billing'),
    profile: fc.constantFrom('shell', 'net'),
    durationSeconds: fc.constantFrom(60, 600, 3600),
    reason: fc.constantFrom('', 'why'),
  });
  const profiles = [PROFILE, { ...PROFILE, name: 'net' }];
  const verdictOf = (policies: AccessPolicy[], asked: typeof REQUEST) =>
    evaluate(policySet(policies, profiles), ANN, asked);
  /** How much a decision asks: consents, or no way at all. */
  const asks = (decision: ReturnType<typeof verdictOf>): number =>
    decision.verdict === 'refuse' ? Infinity : decision.grant.terms.approvals.count;

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
        // Nor does it when the set was put together by somebody who does not sort.
        const set = policySet(all, profiles);
        expect(evaluate({ ...set, policies: shuffled }, ANN, asked)).toEqual(verdictOf(all, asked));
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
        const { terms } = decision.grant;
        expect(asked.durationSeconds).toBeLessThanOrEqual(terms.longestSeconds);
        expect(terms.ticketRequired).toBe(false);
        if (terms.reasonRequired) expect(asked.reason).not.toBe('');
        expect(decision.verdict).toBe(terms.approvals.count === 0 ? 'grant' : 'hold');
      }),
    );
  });

  test('a request that is longer is never let in where a shorter one is not', () => {
    fc.assert(
      fc.property(mixed, request, (policies, asked) => {
        const long = verdictOf(named(policies), { ...asked, durationSeconds: 3600 });
        const short = verdictOf(named(policies), { ...asked, durationSeconds: 60 });
        expect(asks(short)).toBeLessThanOrEqual(asks(long));
      }),
    );
  });
});

test('a refusal tells of ten policies at most, however many would allow it on other terms', () => {
  const many = Array.from({ length: 300 }, (_, at) =>
    policy(`p${at}`, { terms: { ticketRequired: true } }),
  );
  const decision = decide(many);
  expect(decision.verdict).toBe('refuse');
  expect(decision.explanation).toHaveLength(10);
});
