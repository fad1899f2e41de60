import fc from 'fast-check';
import { requirement } from '../../../test/support/policies.js';
import { grantOf } from '../../../test/support/sessions.js';
import { describe, expect, test } from 'vitest';
import {
  actionsIn,
  ACTIONS,
  eventOf,
  isFinal,
  next,
  STATES,
  TRANSITIONS,
} from './session.machine.js';
import type { Capacity, SessionEvent, State } from './session.machine.js';
import { capacitiesOf } from './session.js';

const CAPACITIES: readonly Capacity[] = ['requester', 'approver', 'admin', 'system'];
const EVENTS = [...new Set(TRANSITIONS.map(({ event }) => event))];
const capacities = fc.subarray([...CAPACITIES]);
const state = fc.constantFrom(...STATES);

/** The states that can be come to from `start`, by anybody. */
function reachable(start: State | 'new'): Set<State | 'new'> {
  const seen = new Set<State | 'new'>([start]);
  for (const from of seen) {
    for (const row of TRANSITIONS) if (row.from === from) seen.add(row.to);
  }
  return seen;
}

describe('the session machine', () => {
  test('can come to every state', () => {
    expect(STATES.filter((it) => !reachable('new').has(it))).toEqual([]);
  });

  test('ends in denied or ended and nowhere else', () => {
    expect(STATES.filter(isFinal)).toEqual(['denied', 'ended']);
  });

  test('has a way to its end from every state', () => {
    for (const from of STATES) {
      expect([...reachable(from)].some((it) => it === 'ended' || it === 'denied')).toBe(true);
    }
  });

  test('takes no event once it is over, by whomever', () => {
    for (const from of STATES.filter(isFinal)) {
      for (const event of EVENTS) expect(next(from, event, CAPACITIES)).toBeUndefined();
      expect(actionsIn(from, CAPACITIES)).toEqual([]);
    }
  });

  test('comes to active only through starting, and to starting only through approved', () => {
    const waysTo = (to: State) =>
      new Set(
        TRANSITIONS.filter((row) => row.to === to && row.from !== to).map(({ from }) => from),
      );
    expect(waysTo('active')).toEqual(new Set(['starting']));
    expect(waysTo('starting')).toEqual(new Set(['approved']));
    expect(waysTo('approved')).toEqual(new Set(['new', 'pending']));
  });

  test('leaves no container behind: from starting and active it ends by way of ending, or on the word of the cluster', () => {
    const straight = TRANSITIONS.filter(
      (row) => row.to === 'ended' && (row.from === 'starting' || row.from === 'active'),
    );
    expect(straight.map(({ from, event }) => `${from} ${event}`)).toEqual([
      'starting reject',
      'active stop',
    ]);
    for (const row of straight) expect(row.by).toEqual(['system']);
  });

  test('has one outcome for each event in each state', () => {
    const rows = TRANSITIONS.map(({ from, event }) => `${from} ${event}`);
    expect(new Set(rows).size).toBe(rows.length);
  });

  test('lets a requester neither approve nor deny, whatever the state', () => {
    for (const from of STATES) {
      const actions = actionsIn(from, ['requester']);
      expect(actions).not.toContain('approve');
      expect(actions).not.toContain('deny');
      expect(actions).not.toContain('revoke');
      for (const event of ['approve', 'consent', 'deny'] as const) {
        expect(next(from, event, ['requester'])).toBeUndefined();
      }
    }
  });

  test('lets an approver neither ask nor start for somebody else', () => {
    for (const from of ['new', ...STATES] as const) {
      for (const event of ['ask', 'grant', 'refuse', 'start', 'run'] as const) {
        expect(next(from, event, ['approver'])).toBeUndefined();
      }
    }
  });

  test('lets somebody in no capacity do nothing', () => {
    for (const from of ['new', ...STATES] as const) {
      for (const event of EVENTS) expect(next(from, event, [])).toBeUndefined();
      if (from !== 'new') expect(actionsIn(from, [])).toEqual([]);
    }
  });

  test('offers in each state the actions that it takes, and no others', () => {
    fc.assert(
      fc.property(state, capacities, (from, who) => {
        const offered = actionsIn(from, who);
        for (const action of ACTIONS) {
          if (action === 'approve' || action === 'retract') continue;
          const event = eventOf(from, action, who);
          expect(event !== undefined).toBe(offered.includes(action));
          if (event !== undefined) expect(next(from, event, who)).toBeDefined();
        }
      }),
    );
  });

  test('a further capacity never takes an action away', () => {
    fc.assert(
      fc.property(state, capacities, fc.constantFrom(...CAPACITIES), (from, who, more) => {
        expect(actionsIn(from, [...who, more])).toEqual(
          expect.arrayContaining(actionsIn(from, who)),
        );
      }),
    );
  });

  test('never comes back: whatever happens, a session that was active is not pending again', () => {
    const rank: Record<State, number> = {
      pending: 0,
      // A consent that is taken back makes it pending again.
      approved: 0,
      denied: 5,
      starting: 2,
      active: 3,
      ending: 4,
      ended: 5,
    };
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...EVENTS), { maxLength: 30 }),
        (events: SessionEvent[]) => {
          let at: State | 'new' = 'new';
          for (const event of events) {
            const to: State | undefined = next(at, event, CAPACITIES);
            if (to === undefined) continue;
            if (at !== 'new') expect(rank[to]).toBeGreaterThanOrEqual(rank[at]);
            at = to;
          }
        },
      ),
    );
  });
});

describe('in which capacity somebody acts', () => {
  const person = fc.record({
    iss: fc.constantFrom('https://a.example', 'https://b.example'),
    sub: fc.constantFrom('ann', 'bob'),
    groups: fc.subarray(['leads', 'oncall', 'admins']),
  });

  test('a requester is that and nothing else of their own session, whatever their groups and roles', () => {
    fc.assert(
      fc.property(
        person,
        fc.subarray(['leads', 'oncall', 'admins']),
        fc.boolean(),
        (who, groups, isAdmin) => {
          const grant = grantOf('0', requirement(1, ...groups));
          const session = { requester: who, grant, escalatedAt: null };
          expect(capacitiesOf(session, who, isAdmin)).toEqual(['requester']);
          const again = {
            ...who,
            groups: ['leads', 'oncall', 'admins'],
            email: 'other@example.com',
          };
          expect(capacitiesOf(session, again, isAdmin)).toEqual(['requester']);
        },
      ),
    );
  });

  test('nobody else is the requester, though they bear the same name with another issuer', () => {
    fc.assert(
      fc.property(person, person, fc.boolean(), (requester, who, isAdmin) => {
        fc.pre(requester.iss !== who.iss || requester.sub !== who.sub);
        expect(capacitiesOf({ requester, grant: null, escalatedAt: null }, who, isAdmin)).toEqual(
          isAdmin ? ['admin'] : [],
        );
      }),
    );
  });
});
