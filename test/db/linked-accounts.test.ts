import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { Identity, Person } from '../../src/domain/person.js';
import { HistoryLab, inHours, owed, somebody } from './history.lab.js';

let lab: HistoryLab;
beforeAll(async () => {
  lab = await HistoryLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Tokens by when they were issued: each test has them in this order. */
const [EARLY, LATER, LAST] = [inHours(-3), inHours(-2), inHours(-1)];

/** Two accounts that nobody knows yet to be one human's, and what they are called once it is known. */
function pair(): { plain: Person; admin: Person; human: string } {
  return {
    plain: somebody(),
    admin: somebody({ iss: 'https://other.example' }),
    human: uniqueName('human'),
  };
}
const overdueOf = async (person: Identity, now?: Date): Promise<number> =>
  (await lab.of(person, now && { now })).overdueReviews.mine;

describe('two accounts that are found to be one human’s later', () => {
  test('owe what either took on before', async () => {
    const { plain, admin, human } = pair();
    const session = await lab.had({ person: plain, hoursAgo: 9, debt: owed(-1) });
    await lab.people.seen(plain, EARLY);
    expect([await overdueOf(plain), await overdueOf(admin)]).toEqual([1, 0]);
    await lab.people.seen({ ...plain, human }, LATER);
    expect(await overdueOf({ ...admin, human })).toBe(1);
    expect(await overdueOf(somebody({ human: uniqueName('human') }))).toBe(0);
    expect(await overdueOf(somebody())).toBe(0);
    await lab.review(session);
    expect(await overdueOf({ ...admin, human })).toBe(0);
  });

  test('owe it though the one who asks has a token of before, which does not tell', async () => {
    const { plain, admin, human } = pair();
    await lab.had({ person: { ...plain, human }, hoursAgo: 9, debt: owed(-1) });
    await lab.people.seen({ ...admin, human }, LATER);
    await lab.people.seen(admin, EARLY);
    expect(await overdueOf(admin)).toBe(1);
  });

  test('owe it though neither token tells: not the one that it was taken on with, nor the one that asks', async () => {
    const { plain, admin, human } = pair();
    await lab.had({ person: plain, hoursAgo: 9, debt: owed(-1) });
    await lab.people.seen({ ...admin, human }, LATER);
    await lab.people.seen({ ...plain, human }, LATER);
    expect(await overdueOf(admin)).toBe(1);
    expect(await overdueOf(plain)).toBe(1);
  });

  test('owe it where the configuration says whose they are, and neither ever signs in again', async () => {
    const { plain, admin, human } = pair();
    await lab.had({ person: plain, hoursAgo: 9, debt: owed(-1) });
    const said = [plain, admin].map(({ iss, sub }) => ({ iss, sub, human }));
    await lab.people.linked(said);
    // As by every replica that starts.
    await lab.people.linked(said);
    await lab.people.linked([]);
    expect(await overdueOf(admin)).toBe(1);
  });

  test('have their sessions counted together, each once, by whichever they ask', async () => {
    const { plain, admin, human } = pair();
    await lab.had({ person: plain, hoursAgo: 0.5 });
    await lab.had({ person: plain, hoursAgo: 2, state: 'approved' });
    await lab.had({ person: { ...admin, human }, hoursAgo: 25, state: 'approved' });
    await lab.had({ person: admin, hoursAgo: 0.1, state: 'denied' });
    await lab.had({ person: somebody(), hoursAgo: 0.5 });
    expect((await lab.of(plain)).mine).toMatchObject({ open: 1, lastWeek: 2 });
    for (const person of [plain, admin]) await lab.people.seen({ ...person, human }, LATER);
    const all = { open: 2, lastHour: 1, lastDay: 2, lastWeek: 3 };
    for (const person of [plain, admin, { ...admin, human }]) {
      expect((await lab.of(person)).mine).toEqual(all);
    }
  });

  test('owe what a team owes as themselves too, and the team owes it once', async () => {
    const { plain, admin, human } = pair();
    const team = uniqueName('team');
    await lab.had({ person: plain, hoursAgo: 9, debt: owed(-1, team) });
    for (const person of [plain, admin]) await lab.people.seen({ ...person, human }, LATER);
    expect((await lab.of(admin)).overdueReviews).toMatchObject({ mine: 1, byTeam: { [team]: 1 } });
    expect((await lab.of(somebody())).overdueReviews).toMatchObject({
      mine: 0,
      byTeam: { [team]: 1 },
    });
  });
});

describe('two accounts that were one human’s', () => {
  test('stay so when a newer token names nobody, for debts to come as well', async () => {
    const { plain, admin, human } = pair();
    for (const person of [plain, admin]) await lab.people.seen({ ...person, human }, EARLY);
    for (const person of [plain, admin]) await lab.people.seen(person, LATER);
    await lab.had({ person: plain, hoursAgo: -1, debt: owed(2) });
    expect(await overdueOf(admin, inHours(3))).toBe(1);
    expect((await lab.of(admin, { now: inHours(3) })).mine.lastDay).toBe(1);
  });

  test.each<['debtor' | 'other']>([['debtor'], ['other']])(
    'owe what was taken on until the %s was said to be somebody else’s, and nothing of after that',
    async (who) => {
      const { plain, admin, human } = pair();
      for (const person of [plain, admin]) await lab.people.seen({ ...person, human }, EARLY);
      await lab.had({ person: plain, hoursAgo: 9, debt: owed(-1) });
      const moved = who === 'debtor' ? plain : admin;
      await lab.people.seen({ ...moved, human: uniqueName('human') }, LATER);
      expect(await overdueOf(admin)).toBe(1);
      expect((await lab.of(admin)).mine.lastDay).toBe(0);

      await lab.had({ person: plain, hoursAgo: -1, debt: owed(2) });
      expect(await overdueOf(admin, inHours(3))).toBe(1);
      expect(await overdueOf(plain, inHours(3))).toBe(2);
    },
  );

  test('owe what was taken on before it was said, though they were not seen for long', async () => {
    const { plain, admin, human } = pair();
    for (const person of [plain, admin]) await lab.people.seen({ ...person, human }, EARLY);
    await lab.owner.query(
      `UPDATE known_humans SET first_at = now() - interval '9 days', last_at = now() - interval '9 days'
       WHERE human = $1`,
      [human],
    );
    await lab.had({ person: plain, hoursAgo: 1, debt: owed(0) });
    for (const person of [plain, admin]) {
      await lab.people.seen({ ...person, human: uniqueName('human') }, LATER);
    }
    expect(await overdueOf(admin)).toBe(1);
  });

  test('are parted by newer tokens alone, in whatever order tokens are seen', async () => {
    const { plain, admin, human } = pair();
    await lab.people.seen({ ...plain, human }, LAST);
    await lab.people.seen({ ...plain, human: uniqueName('human') }, LATER);
    await lab.had({ person: plain, hoursAgo: -1, debt: owed(2) });
    expect(await overdueOf({ ...admin, human }, inHours(3))).toBe(1);
  });
});

test('of an account that is another human’s in each token, no more than a hundred are kept', async () => {
  const { plain } = pair();
  for (let n = 0; n < 105; n++) await lab.people.seen({ ...plain, human: `h-${n}` }, LATER);
  const { rows } = await lab.owner.query('SELECT FROM known_humans WHERE sub = $1', [plain.sub]);
  expect(rows).toHaveLength(100);
});
