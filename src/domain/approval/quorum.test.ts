import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { humanOf, missingByBruteForce } from '../../../test/support/brute.quorum.js';
import type { Person } from '../person.js';
import type { Requirement } from '../policy/policy.js';
import type { Asked, Word } from './quorum.js';
import { quorum, wouldCount } from './quorum.js';

const ISS = 'https://login.example.com';
const OTHER_ISS = 'https://other.example.com';
const REQUESTER: Person = { iss: ISS, sub: 'ann', groups: ['leads', 'owners'], human: 'ann' };

function approve(sub: string, groups: string[], more: Partial<Person> = {}): Word {
  return { person: { iss: ISS, sub, groups, ...more }, verdict: 'approve' };
}

function of(...groups: string[]): Requirement {
  return { count: 1, groups, users: [] };
}

function asked(...require: Requirement[]): Asked {
  return { require, escalated: null };
}

const GROUPS = ['leads', 'owners', 'security'];
/** Accounts of a few humans; of some it is not known whose they are, and then each is taken for a human. */
const ACCOUNTS = [
  { iss: ISS, sub: 'ann', human: 'ann' },
  { iss: OTHER_ISS, sub: 'ann-admin', human: 'ann' },
  { iss: ISS, sub: 'bob', human: 'bob' },
  { iss: OTHER_ISS, sub: 'bob', human: 'bob' },
  { iss: ISS, sub: 'cid' },
  { iss: OTHER_ISS, sub: 'cid' },
  { iss: ISS, sub: 'dee' },
] as const;

/** Everybody's groups, so that one account has the same in each of its words. */
const world = fc
  .tuple(...ACCOUNTS.map(() => fc.subarray(GROUPS)))
  .map((groups) =>
    ACCOUNTS.map((account, at): Person => ({ ...account, groups: groups[at] ?? [] })),
  );
const requirement: fc.Arbitrary<Requirement> = fc.record({
  count: fc.integer({ min: 0, max: 3 }),
  groups: fc.subarray(GROUPS),
  users: fc.subarray(['cid', 'dee', `${OTHER_ISS}|bob`]),
});
const anyAsked: fc.Arbitrary<Asked> = fc.record({
  require: fc.array(requirement, { maxLength: 3 }),
  escalated: fc.option(
    fc.record({
      groups: fc.subarray(GROUPS),
      users: fc.constant([]),
      afterSeconds: fc.constant(60),
    }),
  ),
});
const story = world.chain((people) =>
  fc.record({
    asked: anyAsked,
    requester: fc.constantFrom(...people),
    words: fc.array(
      fc.record({
        person: fc.constantFrom(...people),
        verdict: fc.constantFrom('approve' as const, 'approve' as const, 'deny' as const),
      }),
      { maxLength: 8 },
    ),
    more: fc.constantFrom(...people),
  }),
);

describe('a quorum', () => {
  test('counts people, not words: who consents twice counts once', () => {
    const twice = [approve('bob', ['leads']), approve('bob', ['leads'])];
    expect(quorum(asked({ ...of('leads'), count: 2 }), REQUESTER, twice).missing).toBe(1);
  });

  test('counts somebody who is in the groups of two requirements for one of them', () => {
    const both = asked(of('leads'), of('security'));
    const bob = approve('bob', ['leads', 'security']);
    expect(quorum(both, REQUESTER, [bob])).toMatchObject({ missing: 1 });
    expect(quorum(both, REQUESTER, [bob, approve('cid', ['leads'])]).missing).toBe(0);
    expect(quorum(both, REQUESTER, [bob, approve('cid', ['security'])]).missing).toBe(0);
  });

  test('counts two accounts of one human once, for what either of them is', () => {
    const both = asked(of('leads'), of('security'));
    const accounts = [
      approve('bob', ['leads'], { human: 'bob' }),
      approve('bob-admin', ['security'], { human: 'bob' }),
    ];
    expect(quorum(both, REQUESTER, accounts).missing).toBe(1);
    expect(quorum(asked(of('security')), REQUESTER, accounts).missing).toBe(0);
  });

  test('never counts the requester, though they are in the group', () => {
    expect(quorum(asked(of('leads')), REQUESTER, [approve('ann', ['leads'])]).missing).toBe(1);
  });

  test('tells people of two issuers apart', () => {
    const other = [approve('ann', ['leads'], { iss: OTHER_ISS })];
    expect(quorum(asked(of('leads')), REQUESTER, other).missing).toBe(0);
  });

  test('knows no star: a person in every group but the named ones does not count', () => {
    expect(quorum(asked(of('leads')), REQUESTER, [approve('bob', ['*'])]).missing).toBe(1);
  });

  test('takes the people of the escalation for any requirement, and not before their time', () => {
    const require = [of('leads'), of('security')];
    const managers = [approve('bob', ['managers']), approve('cid', ['managers'])];
    expect(quorum({ require, escalated: null }, REQUESTER, managers).missing).toBe(2);
    const escalated = { groups: ['managers'], users: [], afterSeconds: 60 };
    expect(quorum({ require, escalated }, REQUESTER, managers).missing).toBe(0);
  });

  test('says which requirements are open, and how many each lacks', () => {
    const require = [{ ...of('leads'), count: 2 }, of('security'), of('owners')];
    const { open } = quorum(asked(...require), REQUESTER, [
      approve('bob', ['leads']),
      approve('cid', ['owners']),
    ]);
    expect(open).toEqual([of('leads'), of('security')]);
  });

  test('counts as many consents as can be given places: as many as trying all ways gives', () => {
    fc.assert(
      fc.property(story, ({ asked, requester, words }) => {
        const { missing, open, counted } = quorum(asked, requester, words);
        expect(missing).toBe(missingByBruteForce(asked, requester, words));
        expect(open.reduce((sum, { count }) => sum + count, 0)).toBe(missing);
        expect(new Set(counted.map(humanOf)).size).toBe(counted.length);
      }),
      { numRuns: 500 },
    );
  });

  test('does not depend on the order of consents', () => {
    const shuffled = story.chain((it) =>
      fc.record({
        it: fc.constant(it),
        other: fc.shuffledSubarray(it.words, { minLength: it.words.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ it: { asked, requester, words }, other }) => {
        expect(quorum(asked, requester, other).missing).toBe(
          quorum(asked, requester, words).missing,
        );
      }),
    );
  });

  test('never counts the requester, by whichever of their accounts they consent', () => {
    fc.assert(
      fc.property(story, ({ asked, requester, words }) => {
        const others = words.filter(({ person }) => humanOf(person) !== humanOf(requester));
        const { missing, counted } = quorum(asked, requester, words);
        expect(missing).toBe(quorum(asked, requester, others).missing);
        expect(counted.map(humanOf)).not.toContain(humanOf(requester));
      }),
    );
  });

  test('is never further away for one consent more, and nearer by one at most', () => {
    fc.assert(
      fc.property(story, ({ asked, requester, words, more }) => {
        const before = quorum(asked, requester, words).missing;
        const after = quorum(asked, requester, [...words, { person: more, verdict: 'approve' }]);
        expect(after.missing).toBeLessThanOrEqual(before);
        expect(after.missing).toBeGreaterThanOrEqual(before - 1);
      }),
    );
  });

  test('whoever would count brings it nearer, or finds it met', () => {
    fc.assert(
      fc.property(story, ({ asked, requester, words, more }) => {
        const before = quorum(asked, requester, words).missing;
        const { missing } = quorum(asked, requester, [
          ...words,
          { person: more, verdict: 'approve' },
        ]);
        expect(wouldCount(asked, requester, { person: more, consents: words })).toBe(
          humanOf(more) !== humanOf(requester) && (missing === 0 || missing === before - 1),
        );
      }),
    );
  });
});
