import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaHistory } from '../../src/adapters/prisma/prisma-history.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import type { ReviewDebt } from '../../src/app/ports/session.store.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import type { Person } from '../../src/domain/person.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { freshDatabase } from '../support/postgres.js';
import { actorOf, newSession, ROBIN, SYSTEM } from '../support/sessions.js';

const HOUR = 3_600_000;
const NOW = new Date();

let database: Database;
let store: PrismaSessionStore;
let history: PrismaHistory;
let owner: pg.Client;
let drop: () => Promise<void>;
beforeAll(async () => {
  const fresh = await freshDatabase();
  drop = fresh.drop;
  database = new Database({ url: fresh.serviceUrl, poolSize: 2 }, () => undefined);
  store = new PrismaSessionStore(database);
  history = new PrismaHistory(database);
  owner = new pg.Client({ connectionString: fresh.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await database.close();
  await drop();
});

const somebody = (over: Partial<Person> = {}): Person => ({
  ...ROBIN,
  sub: uniqueName('person'),
  ...over,
});

interface Past {
  readonly person: Person;
  readonly hoursAgo: number;
  readonly state?: 'approved' | 'denied' | 'ended';
  readonly podUid?: string;
  readonly cluster?: string;
  readonly debt?: ReviewDebt;
}

/** A session as it would have been written that long ago. */
async function had(past: Past): Promise<Session> {
  const { person, hoursAgo, state = 'ended', podUid = randomUUID(), cluster = 'sandbox' } = past;
  const at = new Date(NOW.getTime() - hoursAgo * HOUR);
  const usual = newSession();
  const asked = {
    ...usual,
    requester: person,
    createdAt: at,
    request: {
      ...usual.request,
      cluster,
      target: { kind: 'pod', name: podUid } as const,
      breakGlass: past.debt !== undefined,
    },
    pin: { podName: 'web', podUid, nodeName: 'n1' },
  };
  const first = firstStep({
    session: asked,
    event: state === 'denied' ? 'refuse' : 'grant',
    capacities: ['requester'],
    actor: actorOf(person),
    at,
  });
  const written = await store.write({ ...first, ...(past.debt ? { debt: past.debt } : {}) });
  if (isProblem(written)) throw new Error(written.detail, { cause: written.cause });
  if (state !== 'ended') return written;
  const step = stepOf({
    session: written,
    event: 'lapse',
    capacities: ['system'],
    actor: SYSTEM,
    at,
    changes: { endReason: 'lapsed' },
  });
  const ended = await store.write(step);
  if (isProblem(ended)) throw new Error(ended.detail);
  return ended;
}

const of = (person: Person, podUid: string | null = null) =>
  history.of({ person, on: podUid === null ? null : { cluster: 'sandbox', podUid }, now: NOW });

async function review(session: Session): Promise<void> {
  await owner.query(
    `INSERT INTO reviews (session_id, debtor_iss, debtor_sub, iss, sub, person, finding, comment, at)
     VALUES ($1, $2, $3, 'https://id.example', 'sam', '{}', 'justified', '', now())`,
    [session.id, session.requester.iss, session.requester.sub],
  );
}

describe('the sessions of a person', () => {
  test('are none before the first', async () => {
    const none = { open: 0, lastHour: 0, lastDay: 0, lastWeek: 0 };
    expect(await of(somebody(), 'uid')).toEqual({
      mine: none,
      target: none,
      overdueReviews: { mine: 0, byTeam: {} },
    });
  });

  test('are counted by how long ago they were asked for, and open ones however old', async () => {
    const person = somebody();
    for (const hoursAgo of [0.5, 0.9, 2, 23, 25, 167, 169, 5_000]) await had({ person, hoursAgo });
    await had({ person, hoursAgo: 3, state: 'approved' });
    await had({ person, hoursAgo: 6_000, state: 'approved' });
    expect((await of(person)).mine).toEqual({ open: 2, lastHour: 2, lastDay: 5, lastWeek: 7 });
  });

  test('are not those that were denied', async () => {
    const person = somebody();
    await had({ person, hoursAgo: 0.1, state: 'denied' });
    expect((await of(person)).mine).toEqual({ open: 0, lastHour: 0, lastDay: 0, lastWeek: 0 });
  });

  test('are those of all accounts of one human, and of an account from before that was known', async () => {
    const human = uniqueName('human');
    const main = somebody({ human });
    const other = somebody({ human, iss: 'https://other.example' });
    await had({ person: { ...somebody(), sub: main.sub }, hoursAgo: 0.1 });
    await had({ person: main, hoursAgo: 0.2, state: 'approved' });
    await had({ person: other, hoursAgo: 0.3, state: 'approved' });
    await had({ person: somebody(), hoursAgo: 0.4, state: 'approved' });
    await had({ person: { ...main, human: uniqueName('human'), sub: 'x' }, hoursAgo: 0.1 });
    expect((await of(main)).mine).toMatchObject({ open: 2, lastHour: 3 });
    expect((await of(other)).mine).toMatchObject({ open: 2, lastHour: 2 });
  });

  test('are not those of the same subject of another issuer', async () => {
    const person = somebody();
    await had({ person: { ...person, iss: 'https://other.example' }, hoursAgo: 0.1 });
    expect((await of(person)).mine.lastHour).toBe(0);
  });
});

describe('the sessions on a target', () => {
  test('are those of anybody on that very Pod of that cluster', async () => {
    const podUid = randomUUID();
    await had({ person: somebody(), hoursAgo: 0.5, podUid, state: 'approved' });
    await had({ person: somebody(), hoursAgo: 30, podUid });
    await had({ person: somebody(), hoursAgo: 0.5, podUid, cluster: 'other' });
    await had({ person: somebody(), hoursAgo: 0.5, podUid, state: 'denied' });
    const person = somebody();
    expect(await of(person, podUid)).toMatchObject({
      mine: { open: 0, lastWeek: 0 },
      target: { open: 1, lastHour: 1, lastDay: 1, lastWeek: 2 },
    });
    expect((await of(person)).target).toEqual({ open: 0, lastHour: 0, lastDay: 0, lastWeek: 0 });
  });
});

describe('reviews that are owed', () => {
  test('are overdue from the moment on at which they are due, until they are made', async () => {
    const human = uniqueName('human');
    const person = somebody({ human });
    const owed = (hours: number, team: string | null = null) => ({
      team,
      dueAt: new Date(NOW.getTime() + hours * HOUR),
    });
    const team = uniqueName('team');
    await had({ person, hoursAgo: 9, debt: owed(1, team) });
    await had({ person, hoursAgo: 9, debt: owed(0, team) });
    const made = await had({ person, hoursAgo: 9, debt: owed(-2, team) });
    await had({ person: somebody({ human }), hoursAgo: 9, debt: owed(-3) });
    await had({ person: somebody(), hoursAgo: 9, debt: owed(-3, team) });
    expect((await of(person)).overdueReviews).toEqual({ mine: 3, byTeam: { [team]: 3 } });
    await review(made);
    expect((await of(person)).overdueReviews).toEqual({ mine: 2, byTeam: { [team]: 2 } });
    expect((await of(somebody())).overdueReviews).toEqual({ mine: 0, byTeam: { [team]: 2 } });
  });
});
