import { describe, expect, test } from 'vitest';
import { requirement } from '../../../test/support/policies.js';
import type { Person } from '../person.js';
import type { Requirement } from '../policy/policy.js';
import type { Consent } from '../session/session.js';
import { quorum } from './quorum.js';

const ISS = 'https://login.example.com';
const REQUESTER: Person = { iss: ISS, sub: 'ann', groups: ['oncall', 'leads'] };
const AT = new Date(0);

function approve(sub: string, groups: string[], more: Partial<Person> = {}): Consent {
  return { person: { iss: ISS, sub, groups, ...more }, verdict: 'approve', at: AT };
}

function missing(require: Requirement[], given: Consent[]): number {
  return quorum({ require, escalated: null }, REQUESTER, given).missing;
}

describe('a quorum', () => {
  test('counts people, not words: who consents twice counts once', () => {
    const twice = [approve('bob', ['leads']), approve('bob', ['leads', 'owners'])];
    expect(missing([requirement(2, 'leads', 'owners')], twice)).toBe(1);
  });

  test('never counts the requester, nor another account of theirs', () => {
    expect(missing([requirement(1, 'leads')], [approve('ann', ['leads'])])).toBe(1);
    const other = approve('ann-admin', ['leads'], { human: 'ann' });
    const asked = { require: [requirement(1, 'leads')], escalated: null };
    expect(quorum(asked, { ...REQUESTER, human: 'ann' }, [other]).missing).toBe(1);
    expect(quorum(asked, REQUESTER, [other]).missing).toBe(0);
  });

  test('counts one human with two accounts once', () => {
    const both = [
      approve('bob', ['leads'], { human: 'bob' }),
      approve('bob-admin', ['leads'], { human: 'bob' }),
    ];
    expect(missing([requirement(2, 'leads')], both)).toBe(1);
  });

  test('tells people of two issuers apart', () => {
    const other = [approve('ann', ['leads'], { iss: 'https://other.example.com' })];
    expect(missing([requirement(1, 'leads')], other)).toBe(0);
  });

  test('counts a person of several groups towards one requirement only', () => {
    const both = approve('bob', ['leads', 'security']);
    const require = [requirement(1, 'leads'), requirement(1, 'security')];
    expect(missing(require, [both])).toBe(1);
    expect(missing(require, [both, approve('cid', ['leads'])])).toBe(0);
    expect(missing(require, [both, approve('cid', ['security'])])).toBe(0);
  });

  test('says which requirements are open', () => {
    const require = [requirement(1, 'leads'), requirement(2, 'security')];
    const { open } = quorum({ require, escalated: null }, REQUESTER, [
      approve('bob', ['security']),
    ]);
    expect(open).toEqual([requirement(1, 'leads'), requirement(1, 'security')]);
  });

  test('takes the people of an escalation for any requirement, once it has come', () => {
    const require = [requirement(1, 'leads')];
    const escalated = { afterSeconds: 60, groups: ['managers'], users: [] };
    const given = [approve('mia', ['managers'])];
    expect(quorum({ require, escalated: null }, REQUESTER, given).missing).toBe(1);
    expect(quorum({ require, escalated }, REQUESTER, given).missing).toBe(0);
  });

  test('knows no star: a person in every group but the named ones does not count', () => {
    expect(missing([requirement(1, 'leads')], [approve('bob', ['*'])])).toBe(1);
  });
});
