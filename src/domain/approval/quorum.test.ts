import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Person } from '../person.js';
import type { Consent } from '../session/session.js';
import { quorum } from './quorum.js';

const ISS = 'https://login.example.com';
const REQUESTER: Person = { iss: ISS, sub: 'ann', groups: ['oncall', 'leads'] };
const AT = new Date(0);

const person = fc.record({
  iss: fc.constantFrom(ISS, 'https://other.example.com'),
  sub: fc.constantFrom('ann', 'bob', 'cid', 'dee'),
  groups: fc.subarray(['leads', 'owners', 'oncall']),
});
const consent: fc.Arbitrary<Consent> = fc.record({
  person,
  verdict: fc.constantFrom('approve' as const, 'deny' as const),
  at: fc.constant(AT),
});
const approvals = fc.record({
  count: fc.integer({ min: 0, max: 4 }),
  groups: fc.subarray(['leads', 'owners']),
});
const consents = fc.array(consent, { maxLength: 10 });

function approve(sub: string, groups: string[], iss = ISS): Consent {
  return { person: { iss, sub, groups }, verdict: 'approve', at: AT };
}

describe('a quorum', () => {
  test('counts people, not words: who consents twice counts once', () => {
    const twice = [approve('bob', ['leads']), approve('bob', ['leads', 'owners'])];
    expect(quorum({ count: 2, groups: ['leads', 'owners'] }, REQUESTER, twice).missing).toBe(1);
  });

  test('never counts the requester, though they are in the group', () => {
    expect(
      quorum({ count: 1, groups: ['leads'] }, REQUESTER, [approve('ann', ['leads'])]).missing,
    ).toBe(1);
  });

  test('tells people of two issuers apart', () => {
    const other = [approve('ann', ['leads'], 'https://other.example.com')];
    expect(quorum({ count: 1, groups: ['leads'] }, REQUESTER, other).missing).toBe(0);
  });

  test('takes nobody where no group is named', () => {
    expect(quorum({ count: 1, groups: [] }, REQUESTER, [approve('bob', ['leads'])]).missing).toBe(
      1,
    );
  });

  test('knows no star: a person in every group but the named ones does not count', () => {
    const star = [approve('bob', ['*'])];
    expect(quorum({ count: 1, groups: ['leads'] }, REQUESTER, star).missing).toBe(1);
  });

  test('is met exactly when enough others of the groups have approved', () => {
    fc.assert(
      fc.property(approvals, consents, (terms, given) => {
        const allowed = given.filter(
          (it) =>
            it.verdict === 'approve' &&
            it.person.groups.some((group) => terms.groups.includes(group)) &&
            !(it.person.iss === REQUESTER.iss && it.person.sub === REQUESTER.sub),
        );
        const people = new Set(allowed.map((it) => `${it.person.iss} ${it.person.sub}`));
        const { missing, counted } = quorum(terms, REQUESTER, given);
        expect(counted).toHaveLength(people.size);
        expect(missing).toBe(Math.max(0, terms.count - people.size));
      }),
    );
  });

  test('does not depend on the order of consents', () => {
    fc.assert(
      fc.property(approvals, consents, (terms, given) => {
        const back = quorum(terms, REQUESTER, [...given].reverse());
        expect(back.missing).toBe(quorum(terms, REQUESTER, given).missing);
      }),
    );
  });

  test('is never further away for one consent more', () => {
    fc.assert(
      fc.property(approvals, consents, consent, (terms, given, more) => {
        const after = quorum(terms, REQUESTER, [...given, more]).missing;
        const before = quorum(terms, REQUESTER, given).missing;
        expect(after).toBeLessThanOrEqual(before);
        expect(after).toBeGreaterThanOrEqual(before - 1);
      }),
    );
  });
});
