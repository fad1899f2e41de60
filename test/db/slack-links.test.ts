import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSlackLinks } from '../../src/adapters/prisma/prisma-slack.links.js';
import type { Caller } from '../../src/app/caller.js';
import { namedPeople } from '../../src/app/kept-caller.js';
import { LinkSlack } from '../../src/app/link-slack.js';
import { NotePerson } from '../../src/app/note-person.js';
import { Humans } from '../../src/domain/humans.js';
import type { Person } from '../../src/domain/person.js';
import { isProblem } from '../../src/domain/problem.js';
import type { SlackUser } from '../../src/domain/slack-user.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { actorOf, ALEX, ROBIN } from '../support/sessions.js';

const TEAM = 'T0HALLPASS';
const ROLES = { requester: ['oncall'], approver: ['payments-leads'], auditor: [], admin: [] };

let fresh: TestDatabase;
let database: Database;
let people: PrismaPeople;
let clock: HandClock;
let linking: LinkSlack;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
  people = new PrismaPeople(database);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});
beforeEach(() => {
  clock = new HandClock(new Date());
  linking = linkingWith();
});

function linkingWith(rules: object = {}, humans = new Humans([])): LinkSlack {
  return new LinkSlack({
    links: new PrismaSlackLinks(database),
    note: new NotePerson({ people, clock, journal: new MemoryJournal() }),
    clock,
    roleGroups: ROLES,
    humans,
    rules: { teamId: TEAM, signInMaxAgeSeconds: 3600, matchEmail: false, ...rules },
  });
}

let made = 0;
/** A Slack account that nobody has tied. */
function account(over: Partial<SlackUser> = {}): SlackUser {
  return {
    teamId: TEAM,
    userId: `U${(made += 1)}${randomUUID().slice(0, 6).toUpperCase()}`,
    name: 'Robin in Slack',
    isEmailConfirmed: true,
    isDeleted: false,
    isBot: false,
    isGuest: false,
    isStranger: false,
    ...over,
  };
}

/** Somebody of one test alone, signed in by a token of now. */
function signedIn(over: Partial<Person> = {}): Caller {
  const person = { ...ROBIN, sub: `robin-${randomUUID()}`, ...over };
  const issuedAt = Math.floor(clock.now().getTime() / 1000);
  return {
    actor: { ...actorOf(person), signIn: { issuedAt, acr: 'strong', amr: ['hwk'] } },
    roles: ['requester'],
  };
}

async function codeFor(user: SlackUser): Promise<string> {
  const offered = await linking.offer(user);
  if (isProblem(offered)) throw new Error(offered.detail);
  return new URLSearchParams(offered.path.split('?')[1]).get('code') ?? '';
}

async function tied(user = account(), caller = signedIn()) {
  const link = await linking.redeem(caller, await codeFor(user));
  if (isProblem(link)) throw new Error(link.detail);
  return { user, caller, link };
}

const refusal = (problem: string) => expect.objectContaining({ problem }) as unknown;

describe('a Slack account', () => {
  test('that nobody tied speaks for nobody', async () => {
    expect(await linking.callerOf(account())).toEqual(refusal('slack-not-linked'));
  });

  test('speaks for who tied it, without what their sign-in was worth', async () => {
    const { user, caller } = await tied();
    expect(await linking.callerOf(user, 'Ev123')).toEqual({
      actor: {
        kind: 'person',
        person: caller.actor.person,
        signIn: {},
        channel: 'slack',
        slack: { teamId: TEAM, userId: user.userId },
        requestId: 'Ev123',
      },
      roles: ['requester'],
    });
  });

  test('is whose the configuration says it is by now, without signing in again', async () => {
    const [first, second] = [await tied(), await tied(account(), signedIn({ human: 'old' }))];
    const accounts = [first, second].map(({ caller }) => {
      const { iss, sub } = caller.actor.person;
      return { iss, sub, human: 'robin' };
    });
    const humans = new Humans(accounts);
    for (const { user } of [first, second]) {
      const caller = await linkingWith({}, humans).callerOf(user);
      expect(caller).toMatchObject({ actor: { person: { human: 'robin' } } });
    }
    const latest = await namedPeople(people, humans).latest(accounts);
    expect(latest.map(({ human }) => human)).toEqual(['robin', 'robin']);
  });

  test('speaks with the groups that the newest token gives, and no longer with others', async () => {
    const { user, caller } = await tied();
    const { person } = caller.actor;
    await people.seen({ ...person, groups: ['payments-leads'] }, clock.now());
    expect(await linking.callerOf(user)).toMatchObject({ roles: ['approver'] });
    await people.seen({ ...person, groups: [] }, clock.now());
    expect(await linking.callerOf(user)).toMatchObject({ roles: [] });
  });

  test('speaks for nobody who has not signed in for too long, until they do', async () => {
    const { user, caller } = await tied();
    clock.advance(3590);
    expect(isProblem(await linking.callerOf(user))).toBe(false);
    clock.advance(20);
    expect(await linking.callerOf(user)).toEqual(refusal('sign-in-too-old'));
    await people.seen(caller.actor.person, clock.now());
    expect(isProblem(await linking.callerOf(user))).toBe(false);
  });

  test.each([
    ['of another workspace', { teamId: 'T0OTHER' }],
    ['that is deactivated', { isDeleted: true }],
    ['of a bot', { isBot: true }],
    ['of a guest', { isGuest: true }],
    ['of another organisation', { isStranger: true }],
    ['of Slackbot', { userId: 'USLACKBOT' }],
  ])('%s is refused, tied or not, and offered nothing', async (_, over) => {
    const { user } = await tied();
    const refused = { ...user, ...over };
    expect(await linking.callerOf(refused)).toEqual(refusal('slack-account-refused'));
    expect(await linking.offer(refused)).toEqual(refusal('slack-account-refused'));
  });

  test('with the same id in another workspace is another account', async () => {
    const { user } = await tied();
    const elsewhere = linkingWith({ teamId: 'T0OTHER' });
    expect(await elsewhere.callerOf({ ...user, teamId: 'T0OTHER' })).toEqual(
      refusal('slack-not-linked'),
    );
  });

  test('is one person with any other account of theirs: the person is the same', async () => {
    const first = await tied();
    const second = await tied(account(), first.caller);
    const callers = [await linking.callerOf(first.user), await linking.callerOf(second.user)];
    const [one, other] = callers.map((it) => (isProblem(it) ? undefined : it.actor));
    expect(one?.person).toEqual(other?.person);
    // The audit log tells them apart.
    expect([one?.slack?.userId, other?.slack?.userId]).toEqual([
      first.user.userId,
      second.user.userId,
    ]);
  });
});

describe('a code', () => {
  test('ties an account once', async () => {
    const user = account();
    const code = await codeFor(user);
    expect(await linking.redeem(signedIn(), code)).toMatchObject({ userId: user.userId });
    expect(await linking.redeem(signedIn(), code)).toEqual(refusal('invalid-link-code'));
  });

  test('that two bring at once ties for one of them', async () => {
    const code = await codeFor(account());
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => linking.redeem(signedIn(), code)),
    );
    expect(outcomes.filter((outcome) => !isProblem(outcome))).toHaveLength(1);
  });

  test('is worth nothing once its account was offered another', async () => {
    const user = account();
    const first = await codeFor(user);
    const second = await codeFor(user);
    expect(await linking.redeem(signedIn(), first)).toEqual(refusal('invalid-link-code'));
    expect(await linking.redeem(signedIn(), second)).toMatchObject({ userId: user.userId });
  });

  test('is worth nothing after ten minutes', async () => {
    const user = account();
    const code = await codeFor(user);
    await asOwner(
      `UPDATE slack_link_codes SET expires_at = now() WHERE user_id = '${user.userId}'`,
    );
    expect(await linking.offered(code)).toEqual(refusal('invalid-link-code'));
    expect(await linking.redeem(signedIn(), code)).toEqual(refusal('invalid-link-code'));
  });

  test('is nowhere in the database', async () => {
    const code = await codeFor(account());
    const [row] = await asOwner(`SELECT string_agg(c::text, ' ') AS all FROM slack_link_codes c`);
    expect(row?.['all']).not.toContain(code);
  });

  test.each(['', 'x', '0'.repeat(43), "' OR 1=1 --"])(
    'that was made up (%j) ties nothing',
    async (code) => {
      expect(await linking.redeem(signedIn(), code)).toEqual(refusal('invalid-link-code'));
    },
  );
});

describe('a link', () => {
  test('is not taken over by somebody else: it has to end first', async () => {
    const { user, caller, link } = await tied();
    const other = signedIn(ALEX);
    expect(await linking.redeem(other, await codeFor(user))).toEqual(refusal('already-linked'));
    expect(await linking.callerOf(user)).toMatchObject({
      actor: { person: { sub: caller.actor.person.sub } },
    });
    expect(await linking.unlink(caller, link.id)).toEqual(link);
    expect(await linking.callerOf(user)).toEqual(refusal('slack-not-linked'));
    expect(isProblem(await linking.redeem(other, await codeFor(user)))).toBe(false);
  });

  test('is ended by its person and by nobody else', async () => {
    const { user, link, caller } = await tied();
    expect(await linking.unlink(signedIn(), link.id)).toEqual(refusal('not-found'));
    expect(isProblem(await linking.callerOf(user))).toBe(false);
    await linking.unlink(caller, link.id);
    expect(await linking.unlink(caller, link.id)).toEqual(refusal('not-found'));
    expect(await linking.list(caller)).toEqual([]);
  });

  test('is one of five at most, however many are tied at once', async () => {
    const caller = signedIn();
    const codes = await Promise.all(Array.from({ length: 8 }, () => codeFor(account())));
    const outcomes = await Promise.all(codes.map((code) => linking.redeem(caller, code)));
    expect(outcomes.filter(isProblem)).toEqual([1, 2, 3].map(() => refusal('already-linked')));
    expect(await linking.list(caller)).toHaveLength(5);
  });

  test('is in the audit log, tied and ended, with both accounts', async () => {
    const { user, caller, link } = await tied();
    await linking.unlink(caller, link.id);
    const log = new PrismaAuditLog(database);
    for (const action of ['slack.linked', 'slack.unlinked']) {
      const [entry] = await log.read({ action, limit: 1 });
      expect(entry?.body).toMatchObject({
        action,
        actor: { sub: caller.actor.person.sub },
        data: { link: link.id, team: TEAM, user: user.userId },
      });
    }
  });

  test('cannot be moved to somebody else by the role that serves', async () => {
    const { link } = await tied();
    const service = new pg.Client({ connectionString: fresh.serviceUrl });
    await service.connect();
    try {
      await expect(
        service.query(`UPDATE slack_links SET sub = 'eve' WHERE id = '${link.id}'`),
      ).rejects.toThrow('permission denied');
      await expect(service.query(`DELETE FROM slack_links`)).rejects.toThrow('permission denied');
    } finally {
      await service.end();
    }
  });
});

describe('an e-mail', () => {
  const byEmail = () => linkingWith({ matchEmail: true });
  const known = async () => {
    const email = `${randomUUID()}@example.com`;
    const caller = signedIn({ email });
    await people.seen(caller.actor.person, clock.now());
    return { email, caller };
  };

  test('says nothing unless the configuration says so', async () => {
    const { email } = await known();
    expect(await linking.callerOf(account({ email }))).toEqual(refusal('slack-not-linked'));
  });

  test('speaks for the one person who has it, in any case of letters', async () => {
    const { email, caller } = await known();
    expect(await byEmail().callerOf(account({ email: email.toUpperCase() }))).toMatchObject({
      actor: { person: { sub: caller.actor.person.sub } },
    });
  });

  test('that two people have speaks for neither', async () => {
    const { email } = await known();
    await people.seen(signedIn({ email }).actor.person, clock.now());
    expect(await byEmail().callerOf(account({ email }))).toEqual(refusal('slack-not-linked'));
  });

  test('that Slack has not confirmed speaks for nobody', async () => {
    const { email } = await known();
    const user = account({ email, isEmailConfirmed: false });
    expect(await byEmail().callerOf(user)).toEqual(refusal('slack-not-linked'));
  });

  test('does not bring back a link that was ended', async () => {
    const { email, caller } = await known();
    const { user, link } = await tied(account({ email }), caller);
    await linking.unlink(caller, link.id);
    expect(await byEmail().callerOf(user)).toEqual(refusal('slack-not-linked'));
  });
});

async function asOwner(sql: string): Promise<Record<string, unknown>[]> {
  const owner = new pg.Client({ connectionString: fresh.ownerUrl });
  await owner.connect();
  try {
    return (await owner.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await owner.end();
  }
}
