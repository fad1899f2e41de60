import { expect, test } from 'vitest';
import type { FactsOver, PolicyOver } from '../../../test/support/policies.js';
import { factsOf, policyOf } from '../../../test/support/policies.js';
import { NO_HISTORY, NO_SESSIONS } from './facts.js';
import { Inquiry } from './inquiry.js';
import { lacking } from './lacking.js';

const digits = {
  source: '[0-9]+',
  stepsPerChar: 1,
  matches: (text: string) => /^[0-9]+$/.test(text),
};
const mine = (open: number) => ({ ...NO_HISTORY, mine: { ...NO_SESSIONS, open } });
const onPod = (open: number) => ({ ...NO_HISTORY, target: { ...NO_SESSIONS, open } });
const concurrent = { perPerson: 2, perPod: 2 };

test.each<[string, PolicyOver, FactsOver, string[]]>([
  ['the longest duration itself', { terms: { longestSeconds: 600 } }, {}, []],
  [
    'a second too many',
    { terms: { longestSeconds: 599 } },
    {},
    ['it grants 599 seconds at most and 600 were asked for'],
  ],
  [
    'no ticket',
    { terms: { ticket: { required: true, pattern: null } } },
    {},
    ['it requires a ticket'],
  ],
  ['no ticket where none is required', { patterns: { reason: null, ticket: digits } }, {}, []],
  [
    'a ticket of another pattern',
    { patterns: { reason: null, ticket: digits } },
    { request: { ticket: 'x1' } },
    ['its ticket must match [0-9]+'],
  ],
  [
    'a reason of another pattern',
    { patterns: { reason: digits, ticket: null } },
    { request: { reason: 'why' } },
    ['its reason must match [0-9]+'],
  ],
  ['one session less than the limits', { terms: { concurrent } }, { history: mine(1) }, []],
  [
    'as many sessions of the person as may be',
    { terms: { concurrent } },
    { history: mine(2) },
    ['it allows 2 sessions of one person at once, and you have 2: end one first'],
  ],
  [
    'as many sessions on the Pod as may be',
    { terms: { concurrent } },
    { history: onPod(2) },
    ['it allows 2 sessions on one Pod at once, and there are 2'],
  ],
  [
    'break-glass where none is offered',
    {},
    { request: { breakGlass: true } },
    ['it offers no break-glass'],
  ],
])('with %s it is told what is lacking', (_, policy, facts, lacks) => {
  expect(lacking(policyOf('p', policy), new Inquiry(factsOf(facts)))).toEqual(lacks);
});

test('all that is lacking is told at once', () => {
  const policy = policyOf('p', {
    terms: {
      longestSeconds: 1,
      reason: { required: true, pattern: null },
      ticket: { required: true, pattern: null },
    },
  });
  expect(lacking(policy, new Inquiry(factsOf({ request: { reason: '' } })))).toHaveLength(3);
});

test('a team that is named like what objects of JavaScript inherit owes nothing', () => {
  const policy = policyOf('p', {
    terms: {
      breakGlass: {
        signIn: { acr: [], amr: [], maxAgeSeconds: null },
        review: { groups: ['security'], users: [], withinSeconds: 60 },
        debt: { of: 'team', team: 'constructor' },
      },
    },
  });
  expect(lacking(policy, new Inquiry(factsOf({ request: { breakGlass: true } })))).toEqual([]);
});

test('what is overdue of their own counts under a rule for a team as well, and both are told', () => {
  const policy = policyOf('p', {
    terms: {
      breakGlass: {
        signIn: { acr: [], amr: [], maxAgeSeconds: null },
        review: { groups: ['security'], users: [], withinSeconds: 60 },
        debt: { of: 'team', team: 'bank' },
      },
    },
  });
  const lacks = (mine: number, bank: number): string[] =>
    lacking(
      policy,
      new Inquiry(
        factsOf({
          request: { breakGlass: true },
          history: { ...NO_HISTORY, overdueReviews: { mine, byTeam: { bank } } },
        }),
      ),
    );
  expect(lacks(0, 0)).toEqual([]);
  expect(lacks(1, 0)).toEqual([expect.stringContaining('session is overdue of yours')]);
  expect(lacks(0, 2)).toEqual([expect.stringContaining('sessions are overdue in the team bank')]);
  expect(lacks(1, 1)).toHaveLength(2);
});
