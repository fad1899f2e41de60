import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaOpenSessions } from '../../src/adapters/prisma/prisma-open.sessions.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { PolicySource } from '../../src/app/ports/policy.source.js';
import type { Step } from '../../src/app/ports/session.store.js';
import { RemoveAccess } from '../../src/app/remove-access.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import { startChanges } from '../../src/app/start-session.js';
import type { Person } from '../../src/domain/person.js';
import type { AccessPolicy, PolicySet } from '../../src/domain/policy/policy.js';
import { isProblem } from '../../src/domain/problem.js';
import type { State } from '../../src/domain/session/session.machine.js';
import type { Session, SessionId } from '../../src/domain/session/session.js';
import { replacing } from '../../src/app/replacing.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import { factsOf, policyOf, requirement, setOf, TERMS } from '../support/policies.js';
import { putInForce } from '../support/policy.archives.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { BOUNDS } from '../support/session.bounds.js';
import { actorOf, grantOf, newSession, ROBIN, SYSTEM } from '../support/sessions.js';

const LETS_IN = [policyOf('oncall')];
let fresh: TestDatabase;
let database: Database;
let store: PrismaSessionStore;
let archive: PrismaPolicyArchive;
let inForce: PolicySet;
let others = 0;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
  store = new PrismaSessionStore(database);
  archive = new PrismaPolicyArchive(database);
});
beforeEach(() => switchTo(LETS_IN));
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

async function switchTo(policies: readonly AccessPolicy[]): Promise<void> {
  // Every time another set, so that nothing of the tests before is left.
  inForce = setOf([...policies, policyOf(`other-${others++}`, { match: { groups: ['nobody'] } })]);
  await putInForce(archive, inForce);
}

class AsInForce extends PolicySource {
  constructor(private set = inForce) {
    super();
  }
  override current(): PolicySet {
    return this.set;
  }
  override async refresh(): Promise<void> {
    this.set = inForce;
  }
}

/** One that never hears of another set. */
class Deaf extends AsInForce {
  override async refresh(): Promise<void> {
    // Nothing is heard.
  }
}

function remover(over: Partial<ConstructorParameters<typeof RemoveAccess>[0]> = {}): RemoveAccess {
  return new RemoveAccess({
    open: new PrismaOpenSessions(database),
    store,
    policies: new AsInForce(),
    clock: new HandClock(),
    journal: new MemoryJournal(),
    replica: 'test',
    ...over,
  });
}

/** A session of somebody of their own, in this state. */
async function sessionIn(
  state: State,
  over: { onAccessRemoved?: 'end' | 'keep' } = {},
): Promise<Session> {
  const requester: Person = { ...ROBIN, sub: `robin-${randomUUID()}` };
  const at = new Date();
  const grant = grantOf(inForce.hash, ...(state === 'pending' ? [requirement(1, 'x')] : []));
  const first = firstStep({
    session: newSession({
      requester,
      state: state === 'pending' ? 'pending' : 'approved',
      grant: {
        ...grant,
        terms: { ...grant.terms, onAccessRemoved: over.onAccessRemoved ?? TERMS.onAccessRemoved },
      },
    }),
    event: state === 'pending' ? 'ask' : 'grant',
    capacities: ['requester'],
    actor: actorOf(requester),
    at,
    decision: {
      id: randomUUID(),
      by: 'policy',
      verdict: state === 'pending' ? 'hold' : 'grant',
      person: null,
      comment: null,
      rule: 'oncall',
      policyHash: inForce.hash,
      explanation: [],
      seenVersion: null,
      facts: factsOf({ person: requester }),
      at,
    },
  });
  let session = await written(first);
  if (state === 'starting' || state === 'active') session = await on(session, 'start');
  if (state === 'active') session = await on(session, 'run');
  return session;
}

async function on(session: Session, event: 'start' | 'run'): Promise<Session> {
  const at = new Date();
  const changes =
    event === 'start'
      ? startChanges(session, at, BOUNDS)
      : { startedAt: at, deadlineAt: new Date(at.getTime() + 600_000) };
  return written(stepOf({ session, event, capacities: ['system'], actor: SYSTEM, at, changes }));
}

async function written(step: Step): Promise<Session> {
  const result = await store.write(step);
  if (isProblem(result)) throw new Error(result.detail, { cause: result.cause });
  return result;
}

/** What the newest token of somebody says. */
async function seen(person: Person, groups: readonly string[]): Promise<void> {
  await database.prisma.$executeRaw`
    INSERT INTO people (iss, sub, person, issued_at, seen_at)
    VALUES (${person.iss}, ${person.sub}, ${JSON.stringify({ ...person, groups })}::jsonb, now(), now())`;
}

describe('a set that lets nobody in any more', () => {
  test.each([
    ['pending', 'ended'],
    ['approved', 'ended'],
    ['starting', 'ending'],
    ['active', 'ending'],
  ] as const)('makes a session that is %s be %s, with the reason', async (from, to) => {
    const { id } = await sessionIn(from);
    await switchTo([]);
    expect(await remover().once()).toContain(id);
    expect(await store.find(id)).toMatchObject({
      state: to,
      endReason: 'access-removed',
      endDetail: expect.stringContaining(inForce.hash.slice(0, 12)),
    });
    expect((await store.steps(id, 0)).at(-1)).toMatchObject({
      event: 'revoke',
      data: { policy: inForce.hash, by: 'policy' },
    });
  });

  test('leaves sessions alone whose terms say so', async () => {
    const { id } = await sessionIn('approved', { onAccessRemoved: 'keep' });
    await switchTo([]);
    expect(await remover().once()).not.toContain(id);
  });

  test('ends each of many sessions once, on whichever of two replicas', async () => {
    const many: SessionId[] = [];
    for (let at = 0; at < 120; at++) many.push((await sessionIn('approved')).id);
    await switchTo([]);
    const [one, other] = await Promise.all([remover().once(), remover().once()]);
    const ended = [...one, ...other].filter((id) => many.includes(id));
    expect(ended.sort()).toEqual(many.sort());
  });

  test('ends a session that moves on at the same moment', async () => {
    const session = await sessionIn('starting');
    await switchTo([]);
    let isFirst = true;
    const racing = replacing(store, {
      write: async (step: Step) => {
        if (isFirst) await on(session, 'run');
        isFirst = false;
        return store.write(step);
      },
    });
    await remover({ store: racing }).once();
    expect(await store.find(session.id)).toMatchObject({
      state: 'ending',
      version: 4,
      endReason: 'access-removed',
    });
  });
});

test('a replica that has not heard of the set in force ends nothing by the one before', async () => {
  const before = await sessionIn('approved');
  await switchTo([]);
  const deaf = new Deaf();
  await switchTo(LETS_IN);
  expect(await remover({ policies: deaf }).once()).toEqual([]);
  expect(await store.find(before.id)).toMatchObject({ state: 'approved' });
});

describe('a requester', () => {
  test('whose newest token lacks the group that let them in loses the session', async () => {
    const { id, requester } = await sessionIn('active');
    await seen(requester, ['something-else']);
    expect(await remover().once()).toEqual([id]);
    expect(await store.find(id)).toMatchObject({
      endReason: 'access-removed',
      endDetail: expect.stringContaining('no longer in oncall'),
    });
  });

  test('who came into a group that is denied loses it, whatever else they left, and is told which', async () => {
    const { id, requester } = await sessionIn('active');
    const left = await sessionIn('active');
    await switchTo([
      ...LETS_IN,
      policyOf('leavers', { effect: 'deny', match: { groups: ['leaving'] } }),
    ]);
    await seen(requester, ['oncall', 'leaving']);
    await seen(left.requester, ['leaving']);
    expect((await remover().once()).toSorted()).toEqual([id, left.id].toSorted());
    const why = 'Ended because the policy "leavers" forbids it to its requester now: they are ';
    expect(await store.find(id)).toMatchObject({ endDetail: `${why}in leaving since.` });
    expect(await store.find(left.id)).toMatchObject({
      endDetail: `${why}no longer in oncall, and in leaving since.`,
    });
    expect((await store.steps(left.id, 0)).at(-1)).toMatchObject({
      data: { by: 'groups', lostGroups: ['oncall'], gainedGroups: ['leaving'] },
    });
  });

  test('who is still in it, or was never seen again, keeps it', async () => {
    const { requester } = await sessionIn('active');
    await seen(requester, ['oncall', 'more']);
    await sessionIn('active');
    expect(await remover().once()).toEqual([]);
  });
});
