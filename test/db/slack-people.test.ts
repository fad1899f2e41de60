import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaSlackPeople } from '../../src/adapters/prisma/prisma-slack.people.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';

const TEAM = 'T0HALLPASS';
const ISS = 'https://id.example.com';

let fresh: TestDatabase;
let database: Database;
let people: PrismaSlackPeople;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 3 }, () => undefined);
  people = new PrismaSlackPeople(database, TEAM);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

let tied = 0;
/** An account of somebody's, tied later than all before it. Gives its id. */
async function tie(
  sub: string,
  over: { readonly team?: string; readonly iss?: string; readonly isOver?: boolean } = {},
): Promise<string> {
  const user = `U0TIED${(tied += 1)}`;
  const { team = TEAM, iss = ISS, isOver = false } = over;
  await database.pool.query(
    `INSERT INTO slack_links (id, team_id, user_id, name, iss, sub, linked_at, unlinked_at)
     VALUES ($1, $2, $3, $3, $4, $5, now() + make_interval(secs => $6), $7)`,
    [randomUUID(), team, user, iss, sub, tied, isOver ? new Date(Date.now() + 86_400_000) : null],
  );
  return user;
}

/** Somebody of one test alone. */
const somebody = () => `robin-${randomUUID()}`;

describe('the account of somebody', () => {
  test('is none where none was tied', async () => {
    expect(await people.userOf({ iss: ISS, sub: somebody() })).toBeUndefined();
  });

  test('is the newest of several', async () => {
    const sub = somebody();
    await tie(sub);
    const newest = await tie(sub);
    expect(await people.userOf({ iss: ISS, sub })).toBe(newest);
  });

  test('is the one whose link holds, where a newer one was ended', async () => {
    const sub = somebody();
    const kept = await tie(sub);
    await tie(sub, { isOver: true });
    expect(await people.userOf({ iss: ISS, sub })).toBe(kept);
  });

  test('is none where all links were ended', async () => {
    const sub = somebody();
    await tie(sub, { isOver: true });
    expect(await people.userOf({ iss: ISS, sub })).toBeUndefined();
  });

  test('is not that of another workspace, nor of the same subject at another issuer', async () => {
    const sub = somebody();
    await tie(sub, { team: 'T0OTHER' });
    await tie(sub, { iss: 'https://elsewhere.example.com' });
    expect(await people.userOf({ iss: ISS, sub })).toBeUndefined();
  });
});

describe('the accounts of those whom policy names', () => {
  test('are found by subject, and by issuer and subject', async () => {
    const [one, other] = [somebody(), somebody()];
    const users = [await tie(one), await tie(other)];
    expect(new Set(await people.usersNamed([one, `${ISS}|${other}`, 'nobody']))).toEqual(
      new Set(users),
    );
  });

  test('are one of each person, the newest, however often they are named', async () => {
    const sub = somebody();
    await tie(sub);
    const newest = await tie(sub);
    await tie(sub, { isOver: true });
    expect(await people.usersNamed([sub, `${ISS}|${sub}`, sub])).toEqual([newest]);
  });

  test('are of everybody with that subject, and of one where the issuer is named', async () => {
    const sub = somebody();
    const here = await tie(sub);
    const there = await tie(sub, { iss: 'https://elsewhere.example.com' });
    expect(new Set(await people.usersNamed([sub]))).toEqual(new Set([here, there]));
    expect(await people.usersNamed([`${ISS}|${sub}`])).toEqual([here]);
  });

  test('are not those of other workspaces, and none where nobody is named', async () => {
    const sub = somebody();
    await tie(sub, { team: 'T0OTHER' });
    expect(await people.usersNamed([sub])).toEqual([]);
    expect(await people.usersNamed([])).toEqual([]);
  });

  test('are not taken from a subject that reads like the name of somebody at another issuer', async () => {
    const sub = somebody();
    const user = await tie(sub);
    await tie(`${ISS}|${sub}`, { iss: 'https://evil.example.com' });
    expect(await people.usersNamed([`${ISS}|${sub}`])).toEqual([user]);
  });

  test.each(["' OR 1=1 --", '%', '\u0001', '*'])(
    'are looked for by the name alone: %j',
    async (name) => {
      expect(await people.usersNamed([name])).toEqual([]);
    },
  );
});
