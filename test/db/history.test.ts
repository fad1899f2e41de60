import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { HistoryLab, owed, somebody } from './history.lab.js';

let lab: HistoryLab;
beforeAll(async () => {
  lab = await HistoryLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('the sessions of a person', () => {
  test('are none before the first', async () => {
    const none = { open: 0, lastHour: 0, lastDay: 0, lastWeek: 0 };
    expect(await lab.of(somebody(), { podUid: 'uid' })).toEqual({
      mine: none,
      target: none,
      overdueReviews: { mine: 0, byTeam: {} },
    });
  });

  test('are counted by how long ago they were asked for, and open ones however old', async () => {
    const person = somebody();
    for (const hoursAgo of [0.5, 0.9, 2, 23, 25, 167, 169, 5_000])
      await lab.had({ person, hoursAgo });
    await lab.had({ person, hoursAgo: 3, state: 'approved' });
    await lab.had({ person, hoursAgo: 6_000, state: 'approved' });
    expect((await lab.of(person)).mine).toEqual({ open: 2, lastHour: 2, lastDay: 5, lastWeek: 7 });
  });

  test('are not those that were denied', async () => {
    const person = somebody();
    await lab.had({ person, hoursAgo: 0.1, state: 'denied' });
    expect((await lab.of(person)).mine).toEqual({ open: 0, lastHour: 0, lastDay: 0, lastWeek: 0 });
  });

  test('are those of all accounts of one human, and of an account from before that was known', async () => {
    const human = uniqueName('human');
    const main = somebody({ human });
    const other = somebody({ human, iss: 'https://other.example' });
    await lab.had({ person: { ...somebody(), sub: main.sub }, hoursAgo: 0.1 });
    await lab.had({ person: main, hoursAgo: 0.2, state: 'approved' });
    await lab.had({ person: other, hoursAgo: 0.3, state: 'approved' });
    await lab.had({ person: somebody(), hoursAgo: 0.4, state: 'approved' });
    await lab.had({ person: { ...main, human: uniqueName('human'), sub: 'x' }, hoursAgo: 0.1 });
    expect((await lab.of(main)).mine).toMatchObject({ open: 2, lastHour: 3 });
    expect((await lab.of(other)).mine).toMatchObject({ open: 2, lastHour: 2 });
  });

  test('are not those of the same subject of another issuer', async () => {
    const person = somebody();
    await lab.had({ person: { ...person, iss: 'https://other.example' }, hoursAgo: 0.1 });
    expect((await lab.of(person)).mine.lastHour).toBe(0);
  });
});

describe('the sessions on a target', () => {
  test('are those of anybody on that very Pod of that cluster', async () => {
    const podUid = randomUUID();
    await lab.had({ person: somebody(), hoursAgo: 0.5, podUid, state: 'approved' });
    await lab.had({ person: somebody(), hoursAgo: 30, podUid });
    await lab.had({ person: somebody(), hoursAgo: 0.5, podUid, cluster: 'other' });
    await lab.had({ person: somebody(), hoursAgo: 0.5, podUid, state: 'denied' });
    const person = somebody();
    expect(await lab.of(person, { podUid })).toMatchObject({
      mine: { open: 0, lastWeek: 0 },
      target: { open: 1, lastHour: 1, lastDay: 1, lastWeek: 2 },
    });
    expect((await lab.of(person)).target).toEqual({
      open: 0,
      lastHour: 0,
      lastDay: 0,
      lastWeek: 0,
    });
  });
});

describe('reviews that are owed', () => {
  test('are overdue from the moment on at which they are due, until they are made', async () => {
    const human = uniqueName('human');
    const person = somebody({ human });
    const team = uniqueName('team');
    await lab.had({ person, hoursAgo: 9, debt: owed(1, team) });
    await lab.had({ person, hoursAgo: 9, debt: owed(0, team) });
    const made = await lab.had({ person, hoursAgo: 9, debt: owed(-2, team) });
    await lab.had({ person: somebody({ human }), hoursAgo: 9, debt: owed(-3) });
    await lab.had({ person: somebody(), hoursAgo: 9, debt: owed(-3, team) });
    expect((await lab.of(person)).overdueReviews).toEqual({ mine: 3, byTeam: { [team]: 3 } });
    await lab.review(made);
    expect((await lab.of(person)).overdueReviews).toEqual({ mine: 2, byTeam: { [team]: 2 } });
    expect((await lab.of(somebody())).overdueReviews).toEqual({ mine: 0, byTeam: { [team]: 2 } });
  });
});
