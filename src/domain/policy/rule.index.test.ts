import fc from 'fast-check';
import { expect, test } from 'vitest';
import { factsOf, policyOf, taking } from '../../../test/support/policies.js';
import type { AccessPolicy } from './policy.js';
import { RuleIndex } from './rule.index.js';
import { Inquiry } from './inquiry.js';
import { matchOf } from './rule.match.js';

const ISSUER = 'https://login.example.com';

const policies = fc
  .array(
    fc.record({
      groups: fc.subarray(['*', 'a', 'b']),
      users: fc.subarray(['robin', `${ISSUER}|robin`, 'group a', `${ISSUER}|kim`]),
      namespaces: fc.subarray(['*', 'shop', 'sh*', 'billing'], { minLength: 1 }),
    }),
    { maxLength: 8 },
  )
  .map((matches) => matches.map((match, at) => policyOf(`p${at}`, { match })));
const person = fc.record({
  iss: fc.constantFrom(ISSUER, 'https://other.example.com'),
  sub: fc.constantFrom('robin', 'kim', `${ISSUER}|kim`, 'group a'),
  groups: fc.subarray(['*', 'a', 'c']),
});

const namespace = fc.constantFrom('shop', 'billing', 'other');

test('holds every rule that matches, each once', () => {
  fc.assert(
    fc.property(policies, person, namespace, (all, who, where) => {
      const facts = factsOf({ person: who, namespace: where });
      const index = new RuleIndex(all);
      const found = index.candidates(facts.requester, where);
      const matching = all.filter((policy) => matchOf(policy, new Inquiry(facts)) !== 'no');
      expect(matching.filter((policy) => !found.includes(policy))).toEqual([]);
      expect(new Set(found).size).toBe(found.length);
      const concerning = index.concerning(facts.requester);
      expect(matching.filter((policy) => !concerning.includes(policy))).toEqual([]);
      expect(new Set(concerning).size).toBe(concerning.length);
    }),
  );
});

test('where most could be asked of conditions is found, however rules name people and namespaces', () => {
  const dear = fc.array(
    fc.record({
      groups: fc.subarray(['*', 'a', 'b'], { minLength: 1 }),
      namespaces: fc.subarray(['*', 'shop', 'billing'], { minLength: 1 }),
      steps: fc.nat(9),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(dear, (rules) => {
      const all = rules.map(({ steps, ...match }, at) =>
        policyOf(`p${at}`, { match, when: taking(steps) }),
      );
      const index = new RuleIndex(all);
      const asked = ['a', 'b', 'c'].flatMap((group) =>
        ['shop', 'billing', 'other'].map((where) => {
          const who = { issuer: ISSUER, subject: 'kim', groups: [group] };
          const found = index.candidates(who, where);
          return found.reduce((sum, { when }) => sum + (when?.steps ?? 0), 0);
        }),
      );
      expect(index.dearest().steps).toBe(Math.max(...asked));
    }),
  );
});

test('finds as many rules for somebody whether there are ten others or ten thousand', () => {
  const others = (count: number): AccessPolicy[] =>
    Array.from({ length: count }, (_, at) =>
      policyOf(`other-${at}`, {
        match: { groups: [`team-${at}`], namespaces: at % 2 === 0 ? ['*'] : [`team-${at}`] },
      }),
    );
  const mine = policyOf('mine', { match: { groups: ['a'], namespaces: ['shop'] } });
  const who = { issuer: ISSUER, subject: 'robin', groups: ['a'] };
  for (const count of [10, 10_000]) {
    expect(new RuleIndex([...others(count), mine]).candidates(who, 'shop')).toEqual([mine]);
  }
});

test('somebody whose subject reads like another issuer’s person is not taken for them', () => {
  const policy = policyOf('p', { match: { groups: [], users: [`${ISSUER}|kim`] } });
  const facts = factsOf({
    person: { iss: 'https://other.example.com', sub: `${ISSUER}|kim`, groups: [] },
  });
  expect(new RuleIndex([policy]).candidates(facts.requester, 'staging')).toEqual([]);
  expect(matchOf(policy, new Inquiry(facts))).toBe('no');
});
