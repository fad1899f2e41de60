import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { ActOnSession } from '../../src/app/act-on-session.js';
import { AdvanceSession } from '../../src/app/advance-session.js';
import { DecideSession } from '../../src/app/decide-session.js';
import { keptCaller, namedPeople } from '../../src/app/kept-caller.js';
import { NotePerson } from '../../src/app/note-person.js';
import { firstStep } from '../../src/app/session-step.js';
import { Humans } from '../../src/domain/humans.js';
import type { Person } from '../../src/domain/person.js';
import type { Approvals } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { putInForce } from '../support/policy.archives.js';
import { callerOf } from '../support/consent.lab.js';
import { BOUNDS } from '../support/session.bounds.js';
import { HandClock, MemoryClusters, MemoryJournal } from '../support/in-memory.ports.js';
import { MemoryActivity } from '../support/in-memory.streams.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { approvals, requirement, setOf } from '../support/policies.js';
import { actorOf, grantOf, newSession, ROBIN } from '../support/sessions.js';

const set = setOf([]);
const APPROVE = 'approve' as const;

/** A replica: connections, memory and a clock of its own. */
class Replica {
  readonly database: Database;
  readonly clock = new HandClock();
  readonly people: PrismaPeople;
  readonly store: PrismaSessionStore;
  readonly note: NotePerson;
  private readonly deciding: DecideSession;
  private readonly acting: ActOnSession;
  private readonly advancing: AdvanceSession;

  constructor(url: string) {
    const journal = new MemoryJournal();
    const clock = this.clock;
    this.database = new Database({ url, poolSize: 5 }, () => undefined);
    this.people = new PrismaPeople(this.database);
    this.store = new PrismaSessionStore(this.database);
    this.note = new NotePerson({ people: this.people, clock, journal });
    const { store, people, note } = this;
    this.deciding = new DecideSession({ store, people, note, clock, bounds: BOUNDS });
    this.acting = new ActOnSession({ store, clock, bounds: BOUNDS });
    this.advancing = new AdvanceSession({
      store,
      clusters: new MemoryClusters(),
      activity: new MemoryActivity(),
      clock,
      bounds: BOUNDS,
      journal,
      replica: 'test',
    });
  }

  /** Decides as a broker whose configuration says that of people now. */
  deciderBy(humans: Humans): DecideSession {
    const { store, note, clock } = this;
    const people = namedPeople(this.people, humans);
    return new DecideSession({ store, people, note, clock, bounds: BOUNDS });
  }

  say(
    who: Person,
    { id, version }: Session,
    verdict: 'approve' | 'deny' | 'retract',
    issuedAt = 1,
  ): Promise<Session | Problem> {
    return this.deciding.decide(callerOf(who, issuedAt), id, { verdict, seenVersion: version });
  }

  start({ id }: Session): Promise<Session | Problem> {
    return this.acting.act(callerOf(ROBIN), id, { action: 'start' });
  }

  async advance(session: Session): Promise<Session> {
    const { signal } = new AbortController();
    await this.advancing.advance(session, { isEnd: true, signal, expect: () => undefined });
    return this.read(session);
  }

  async read({ id }: Session): Promise<Session> {
    const session = await this.store.find(id);
    if (!session) throw new Error(`no session ${id}`);
    return session;
  }
}

let fresh: TestDatabase;
let here: Replica;
let there: Replica;
beforeAll(async () => {
  fresh = await freshDatabase();
  here = new Replica(fresh.serviceUrl);
  there = new Replica(fresh.serviceUrl);
  await putInForce(new PrismaPolicyArchive(here.database), set);
});
afterAll(async () => {
  await here.database.close();
  await there.database.close();
  await fresh.drop();
});

let people = 0;
/** Somebody whom no other test knows. */
function person(...groups: string[]): Person {
  return { iss: ROBIN.iss, sub: `person-${people++}`, groups };
}

async function asked(terms: Approvals): Promise<Session> {
  const grant = grantOf(set.hash);
  const at = new Date();
  const step = firstStep({
    session: newSession({
      requester: { ...ROBIN },
      request: {
        ...newSession().request,
        target: { kind: 'pod', name: `web-${people++}` },
        start: 'manual',
      },
      pin: { podName: 'web', podUid: `uid-${people++}`, nodeName: 'node-1' },
      grant: { ...grant, terms: { ...grant.terms, approvals: terms } },
      createdAt: at,
      updatedAt: at,
      lapsesAt: new Date(at.getTime() + 3_600_000),
    }),
    event: 'ask',
    capacities: ['requester'],
    actor: actorOf(ROBIN),
    at,
  });
  return taken(await here.store.write(step));
}

function taken(outcome: Session | Problem): Session {
  if (isProblem(outcome)) throw new Error(`${outcome.problem}: ${outcome.detail}`);
  return outcome;
}

const TWO_LEADS = approvals(requirement(2, 'leads'));

describe('people', () => {
  test('whom the configuration joins later are one human at once, without signing in again', async () => {
    const other = person('leads');
    await here.people.seen(ROBIN, new Date(1_000));
    await here.people.seen(other, new Date(1_000));
    const session = await asked(approvals(requirement(1, 'leads')));
    const accounts = [ROBIN, other].map(({ iss, sub }) => ({ iss, sub, human: 'robin' }));
    const humans = new Humans(accounts);
    const word = { verdict: APPROVE, seenVersion: session.version };
    const roleGroups = { requester: ['*'], approver: ['*'], auditor: [], admin: [] };
    const callers = [
      // By Slack or by a page: as they were kept. By a token of now: as it says.
      keptCaller(other, { signIn: {}, channel: 'console' }, { roleGroups, humans }),
      callerOf({ ...other, human: 'robin' }),
    ];
    for (const caller of callers) {
      const refused = await here.deciderBy(humans).decide(caller, session.id, word);
      expect(refused).toMatchObject({ problem: 'forbidden' });
    }
    const nobody = { roleGroups, humans: new Humans([]) };
    const stranger = keptCaller(other, { signIn: {}, channel: 'console' }, nobody);
    taken(await here.deciderBy(new Humans([])).decide(stranger, session.id, word));
  });

  test('are kept as their newest token said, in whatever order tokens are seen', async () => {
    const who = person('leads');
    const gone = { ...who, groups: [] };
    await here.people.seen(gone, new Date(2_000));
    await there.people.seen(who, new Date(1_000));
    expect(await here.people.latest([who])).toEqual([gone]);
    await there.people.seen(who, new Date(2_000));
    expect(await here.people.latest([who, person()])).toEqual([who]);
    expect(await here.people.latest([])).toEqual([]);
  });

  test('seen by both replicas at once are kept by the newer token', async () => {
    const who = person('leads');
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? here : there).people.seen(
          { ...who, groups: [`group-${at}`] },
          new Date(at * 1_000),
        ),
      ),
    );
    expect(await here.people.latest([who])).toEqual([{ ...who, groups: ['group-19'] }]);
  });
});

describe('consents at two replicas', () => {
  test('are counted by what either has seen of their people', async () => {
    const [lea, leo] = [person('leads'), person('leads')];
    const half = taken(await here.say(lea, await asked(TWO_LEADS), APPROVE));
    await there.note.note(callerOf({ ...lea, groups: [] }, 2));
    const still = taken(await here.say(leo, half, APPROVE));
    expect(still.state).toBe('pending');
    const counted = (await there.store.consents(still.id)).map(({ person: { groups } }) => groups);
    expect(counted).toEqual([[], ['leads']]);
    const said = (await there.store.decisions(still.id)).map((it) => it.person?.groups);
    expect(said).toEqual([['leads'], ['leads']]);
  });

  test('stand in the order of versions, though the clock of one replica is behind', async () => {
    const lea = person('leads');
    const half = taken(await here.say(lea, await asked(TWO_LEADS), APPROVE));
    there.clock.set(new Date(Date.now() - 60_000));
    const none = taken(await there.say(lea, half, 'retract'));
    const verdicts = (await here.store.consents(none.id)).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(['approve', 'retract']);
    expect(taken(await here.say(lea, none, APPROVE)).state).toBe('pending');
  });

  test.each([
    { whose: 'two consents, either of which could be the last,', verdict: APPROVE },
    { whose: 'a consent and a denial', verdict: 'deny' },
  ] as const)(
    'of $whose at once one is taken, and what is stored is what it made',
    async ({ verdict }) => {
      for (let round = 0; round < 10; round++) {
        const [lea, leo, liz] = [person('leads'), person('leads'), person('leads')];
        const half = taken(await here.say(lea, await asked(TWO_LEADS), APPROVE));
        const outcomes = await Promise.all([
          here.say(leo, half, APPROVE),
          there.say(liz, half, verdict),
        ]);
        expect(outcomes.filter(isProblem)).toMatchObject([{ problem: 'changed-since-seen' }]);
        expect(outcomes).toContainEqual(await here.read(half));
        expect(await here.store.consents(half.id)).toHaveLength(2);
      }
    },
  );

  test('of two first consents to one of two requirements at once, the one that comes later is weighed anew', async () => {
    const both = approvals(requirement(1, 'leads'), requirement(1, 'security'));
    const [lea, leo] = [person('leads'), person('leads')];
    const session = await asked(both);
    const outcomes = await Promise.all([
      here.say(lea, session, APPROVE),
      there.say(leo, session, APPROVE),
    ]);
    expect(outcomes.filter(isProblem)).toMatchObject([{ problem: 'changed-since-seen' }]);
    const loser = isProblem(outcomes[0]) ? lea : leo;
    expect(await there.say(loser, await here.read(session), APPROVE)).toMatchObject({
      problem: 'already-decided',
    });
  });

  test('of a consent and the taking back of another at once, one is taken and the quorum is right', async () => {
    for (let round = 0; round < 10; round++) {
      const [lea, leo] = [person('leads'), person('leads')];
      const half = taken(await here.say(lea, await asked(TWO_LEADS), APPROVE));
      const [consent, retraction] = await Promise.all([
        here.say(leo, half, APPROVE),
        there.say(lea, half, 'retract'),
      ]);
      expect([consent, retraction].filter(isProblem)).toHaveLength(1);
      const { state } = await here.read(half);
      expect(state).toBe(isProblem(consent) ? 'pending' : 'approved');
    }
  });

  test('of the taking back of a consent and a start at once, one is taken', async () => {
    for (let round = 0; round < 10; round++) {
      const lea = person('leads');
      const approved = taken(
        await here.say(lea, await asked(approvals(requirement(1, 'leads'))), APPROVE),
      );
      const [retraction, start] = await Promise.all([
        here.say(lea, approved, 'retract'),
        there.start(approved),
      ]);
      const refused = [retraction, start].filter(isProblem).map(({ problem }) => problem);
      const { state } = await here.read(approved);
      expect([
        ['starting', 'changed-since-seen'],
        ['pending', 'illegal-transition'],
      ]).toContainEqual([state, ...refused]);
    }
  });

  test('a consent that was taken back can be given again, and a second time', async () => {
    const lea = person('leads');
    let session = await asked(approvals(requirement(1, 'leads')));
    for (let round = 0; round < 2; round++) {
      session = taken(await here.say(lea, session, APPROVE));
      expect(session.state).toBe('approved');
      session = taken(await there.say(lea, session, 'retract'));
      expect(session.state).toBe('pending');
    }
  });
});

describe('asking more people', () => {
  test('is done once by whichever replica, and then they see the session and it is told', async () => {
    const escalation = { groups: ['late-managers'], users: [], afterSeconds: 1 };
    const session = await asked({ ...TWO_LEADS, escalation });
    const may = person('late-managers');
    const seen = async () => {
      const visibility = { kind: 'own', person: may } as const;
      const list = await there.store.list({ visibility, filter: {}, limit: 10 });
      return list.map(({ id }) => id);
    };
    expect(await seen()).toEqual([]);
    for (const { clock } of [here, there]) clock.set(new Date(Date.now() + 1_000));
    await Promise.all([here.advance(session), there.advance(session)]);
    const widened = await here.read(session);
    expect(widened).toMatchObject({
      state: 'pending',
      version: 2,
      escalatedAt: expect.any(Date) as Date,
    });
    expect(await seen()).toEqual([session.id]);
    const steps = await here.store.steps(session.id, 0);
    expect(steps.map(({ event }) => event)).toEqual(['ask', 'widen']);
    const { rows } = await here.database.pool.query<{ event: string }>(
      `SELECT payload->>'event' AS event FROM outbox WHERE session_id = $1 ORDER BY id`,
      [session.id],
    );
    expect(rows).toEqual([{ event: 'ask' }, { event: 'widen' }]);
    expect(taken(await here.say(may, widened, 'deny')).state).toBe('denied');
  });
});
