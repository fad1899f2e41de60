import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaHistory } from '../../src/adapters/prisma/prisma-history.js';
import { PrismaPastDecisions } from '../../src/adapters/prisma/prisma-past.decisions.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { AskGate } from '../../src/app/ask-gate.js';
import type { Caller } from '../../src/app/caller.js';
import { DecideSession } from '../../src/app/decide-session.js';
import type { ExtendWish } from '../../src/app/decide-extension.js';
import { ExtendSession } from '../../src/app/extend-session.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import { NotePerson } from '../../src/app/note-person.js';
import { RequestSession } from '../../src/app/request-session.js';
import type { SessionStore } from '../../src/app/ports/session.store.js';
import type { Changes } from '../../src/app/session-step.js';
import { stepOf } from '../../src/app/session-step.js';
import { startChanges } from '../../src/app/start-session.js';
import type { Person } from '../../src/domain/person.js';
import type { AccessPolicy, PolicySet } from '../../src/domain/policy/policy.js';
import { invariant, isProblem } from '../../src/domain/problem.js';
import type { SessionEvent } from '../../src/domain/session/session.machine.js';
import type { Session } from '../../src/domain/session/session.js';
import { replacing } from '../../src/app/replacing.js';
import {
  HandClock,
  MemoryClusters,
  MemoryJournal,
  NobodyOnCall,
} from '../support/in-memory.ports.js';
import { approvals, policyOf, requirement, setOf } from '../support/policies.js';
import { putInForce } from '../support/policy.archives.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { BOUNDS, LIMITS } from '../support/session.bounds.js';
import { ALEX, ROBIN, SAM, SYSTEM, actorOf } from '../support/sessions.js';
import { KnownSet } from './asking.lab.js';

const TERMS = {
  extension: { times: 2, longestSeconds: 900 },
  concurrent: { perPerson: 1, perPod: 1 },
};

let fresh: TestDatabase;
let databases: Database[];
let inForce: PolicySet;
let sets = 0;
let pods = 0;

beforeAll(async () => {
  fresh = await freshDatabase();
  databases = [0, 1].map(
    () => new Database({ url: fresh.serviceUrl, poolSize: 4 }, () => undefined),
  );
});
afterAll(async () => {
  await Promise.all(databases.map((it) => it.close()));
  await fresh.drop();
});

/** Every set is another one. */
async function force(...policies: readonly AccessPolicy[]): Promise<void> {
  inForce = setOf([...policies, policyOf(`set-${sets++}`, { match: { groups: ['nobody'] } })]);
  await putInForce(new PrismaPolicyArchive(invariant(databases[0], 'a database')), inForce);
}

function callerFor(person: Person): Caller {
  return { actor: actorOf(person), roles: ['requester', 'approver'] };
}

/** One replica with all that it takes to ask, to consent and to extend. */
class Replica {
  readonly clock = new HandClock();
  readonly store: SessionStore;
  readonly log: PrismaAuditLog;
  private readonly asking: RequestSession;
  private readonly deciding: DecideSession;
  private readonly extending: ExtendSession;

  /**
   * @param around what lies between the use cases and the database.
   * @param gate what lets extensions in.
   */
  constructor(
    which: 0 | 1,
    around: (store: SessionStore) => SessionStore = (store) => store,
    gate?: AskGate,
  ) {
    const database = invariant(databases[which], 'a database');
    const { clock } = this;
    const store = around(new PrismaSessionStore(database));
    const people = new PrismaPeople(database);
    const note = new NotePerson({ people, clock, journal: new MemoryJournal() });
    const clusters = new MemoryClusters();
    const policies = new KnownSet(inForce, () => inForce);
    const history = new PrismaHistory(database);
    const facts = new GatherFacts({ history, onCall: new NobodyOnCall(), clock });
    const deps = { store, clusters, policies, facts, people, note, clock, limits: LIMITS };
    this.store = store;
    this.log = new PrismaAuditLog(database);
    this.asking = new RequestSession(deps);
    this.deciding = new DecideSession({ store, people, note, clock, bounds: BOUNDS });
    this.extending = new ExtendSession({ ...deps, log: this.log, ...(gate ? { gate } : {}) });
  }

  /** A session of ten minutes that runs, on a Pod of its own, with the consents of these. */
  async running(...consenting: readonly Person[]): Promise<Session> {
    const asked = await this.asking.ask(callerFor(ROBIN), {
      namespace: 'shop',
      target: { kind: 'pod', name: `web-${pods++}` },
      profile: 'shell',
      reason: 'the pool is exhausted',
      durationSeconds: 600,
    });
    if (isProblem(asked)) throw new Error(asked.detail);
    let { session } = asked;
    for (const person of consenting) {
      const word = { verdict: 'approve', seenVersion: session.version } as const;
      const decided = await this.deciding.decide(callerFor(person), session.id, word);
      if (isProblem(decided)) throw new Error(decided.detail);
      session = decided;
    }
    const at = this.clock.now();
    session = await this.step(session, 'start', startChanges(session, at, BOUNDS));
    return this.step(session, 'run', {
      startedAt: at,
      deadlineAt: new Date(at.getTime() + 600_000),
    });
  }

  async step(session: Session, event: SessionEvent, changes: Changes = {}): Promise<Session> {
    const at = this.clock.now();
    const by = { capacities: ['system'], actor: SYSTEM } as const;
    const written = await this.store.write(stepOf({ session, event, at, changes, ...by }));
    if (isProblem(written)) throw new Error(written.detail);
    return written;
  }

  /** Brings the session to its end, so that it is not counted any more. */
  async end({ id }: Pick<Session, 'id'>): Promise<void> {
    const session = invariant(await this.store.find(id), 'the session');
    const over = { extension: null, formerContainers: [], endReason: 'left' } as const;
    if (session.state === 'active') await this.step(session, 'stop', over);
  }

  extend({ id }: Pick<Session, 'id'>, wish: Partial<ExtendWish> = {}, who = ROBIN, key?: string) {
    return this.extending.extend(
      callerFor(who),
      id,
      { durationSeconds: 900, ...wish },
      key === undefined ? undefined : { key, requestHash: 'a'.repeat(64) },
    );
  }
}

/** What was said, as a code and a sentence. */
function said(answer: Awaited<ReturnType<Replica['extend']>>): string {
  return isProblem(answer) ? `${answer.problem}: ${answer.detail}` : 'extended';
}

describe('policy, asked anew', () => {
  test('grants an extension on the facts of now, the session itself not counted, and it is on the record', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const replica = new Replica(0);
    const session = await replica.running();
    const answer = await replica.extend(session, { reason: 'the rollback takes longer' });
    expect(said(answer)).toBe('extended');
    const stored = invariant(await replica.store.find(session.id), 'the session');
    expect(stored).toMatchObject({
      version: session.version + 1,
      grant: session.grant,
      container: session.container,
      extensions: 1,
      extension: { container: { name: `hallpass-${session.id}-2`, durationSeconds: 900 } },
      formerContainers: [],
    });
    const [, decision] = await replica.store.decisions(session.id);
    expect(decision).toMatchObject({
      by: 'policy',
      verdict: 'grant',
      policyHash: inForce.hash,
      seenVersion: session.version,
      facts: {
        request: { durationSeconds: 900, reason: 'the rollback takes longer' },
        history: { mine: { open: 0 }, target: { open: 0 } },
      },
    });
    const [record] = await replica.log.read({ sessionId: session.id, limit: 1 });
    expect(record).toMatchObject({ action: 'session.extend', body: { decision: decision?.id } });
    const past = [];
    for await (const it of new PrismaPastDecisions(
      invariant(databases[0], 'a database'),
    ).newestFirst({
      since: new Date(0),
      limit: 10,
    }))
      past.push(it.sessionId);
    // What was said to the extension is compared with nothing.
    expect(past.filter((it) => it === session.id)).toHaveLength(1);
    await replica.end(session);
  });

  test('is not asked more often than a person may, and what was granted is told again for the same key', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const gate = new AskGate({ person: 1, address: 100, all: 100 });
    const replica = new Replica(0, undefined, gate);
    const one = await replica.running();
    expect(said(await replica.extend(one, {}, ROBIN, 'once'))).toBe('extended');
    await replica.end(one);
    const other = await replica.running();
    expect(await replica.extend(other)).toMatchObject({ problem: 'too-many-requests' });
    expect(await replica.store.find(other.id)).toEqual(other);
    expect(await replica.extend(one, {}, ROBIN, 'once')).toMatchObject({ already: true });
    await replica.end(other);
  });

  test('refuses where no rule would let them in now, and the session goes on', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const session = await new Replica(0).running();
    await force(policyOf('oncall', { terms: { ...TERMS, longestSeconds: 800 } }));
    const replica = new Replica(0);
    expect(said(await replica.extend(session))).toMatch(/extension-refused: .*800 seconds at most/);
    expect(await replica.store.find(session.id)).toEqual(session);
    const [record] = await replica.log.read({ sessionId: session.id, limit: 1 });
    expect(record).toMatchObject({
      action: 'session.extend',
      body: { outcome: 'denied', data: { policy: inForce.hash } },
    });
    // Of the terms that were granted stays what they say of extensions.
    await force(policyOf('oncall', { terms: { ...TERMS, extension: null } }));
    expect(said(await new Replica(0).extend(session))).toBe('extended');
    await replica.end(session);
  });

  test('is heard by the set in force when it is written, whatever the replica knew', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const replica = new Replica(0);
    const session = await replica.running();
    await force(policyOf('oncall', { effect: 'deny' }));
    expect(said(await replica.extend(session))).toMatch(/extension-refused: .*forbids this/);
    await force(policyOf('oncall', { terms: TERMS }));
    expect(said(await replica.extend(session))).toBe('extended');
    await replica.end(session);
  });

  test('takes the consents that stand, by the groups of today', async () => {
    const consents = (count: number, group: string) =>
      policyOf('oncall', { terms: { ...TERMS, approvals: approvals(requirement(count, group)) } });
    await force(consents(1, 'payments-leads'));
    const session = await new Replica(0).running(ALEX);
    await force(consents(2, 'payments-leads'));
    expect(said(await new Replica(0).extend(session))).toMatch(
      /extension-refused: .*needs the consent of one of payments-leads/,
    );
    await force(consents(1, 'security'));
    expect(said(await new Replica(0).extend(session))).toMatch(/one of security/);

    // Alex has changed sides since.
    await new PrismaPeople(invariant(databases[0], 'a database')).seen(
      { ...ALEX, groups: ['security'] },
      new Date(),
    );
    expect(said(await new Replica(0).extend(session))).toBe('extended');
    await new Replica(0).end(session);
  });
});

describe('who extends, and what of', () => {
  test('nobody but the requester, who is told of what stands against it', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const replica = new Replica(0);
    const session = await replica.running();
    expect(said(await replica.extend(session, {}, SAM))).toMatch(/^not-found/);
    expect(said(await replica.extend(session, { seenVersion: 1 }))).toMatch(/^changed-since-seen/);
    expect(said(await replica.extend(session, { durationSeconds: 901 }))).toMatch(
      /^invalid-fields/,
    );
    expect(said(await replica.extend(session, { durationSeconds: 300 }))).toMatch(/are left/);
    await replica.end(session);
    expect(said(await replica.extend(session))).toMatch(/illegal-transition: .*any more/);
  });
});

describe('two replicas at once', () => {
  test('extend a session once, and never more often than was granted', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const replicas = [new Replica(0), new Replica(1)] as const;
    const [one] = replicas;
    let session = await one.running();
    for (let round = 1; round <= 3; round++) {
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, at) => replicas[at % 2 === 0 ? 0 : 1].extend(session)),
      );
      const extended = answers.filter((it) => said(it) === 'extended');
      expect(extended).toHaveLength(round <= 2 ? 1 : 0);
      session = invariant(await one.store.find(session.id), 'the session');
      expect(session.extensions).toBe(Math.min(round, 2));
      if (session.extension) session = await one.step(session, 'unextend', { extension: null });
    }
    await one.end(session);
  });

  test('take one key for one extension, and tell both of it', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const [one, other] = [new Replica(0), new Replica(1)];
    const session = await one.running();
    const answers = await Promise.all(
      [one, other, one, other].map((it) => it.extend(session, {}, ROBIN, 'a-key')),
    );
    expect(answers.map(said)).toEqual(Array.from({ length: 4 }, () => 'extended'));
    expect(answers.filter((it) => !isProblem(it) && !it.already)).toHaveLength(1);
    expect((await one.store.find(session.id))?.extensions).toBe(1);
    await one.end(session);
  });

  test('tell of it too where the key was not there yet when it was looked for', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const one = new Replica(0);
    const session = await one.running();
    const looks: string[] = [];
    const late = new Replica(1, (store) =>
      replacing(store, {
        findByKey: async (key) => {
          looks.push(key.key);
          if (looks.length > 1) return store.findByKey(key);
          await one.extend(session, {}, ROBIN, key.key);
          return undefined;
        },
      }),
    );
    const answer = await late.extend(session, {}, ROBIN, 'a-later-key');
    expect(answer).toMatchObject({ already: true, session: { extensions: 1 } });
    await one.end(session);
  });

  test('the database itself refuses one more than was granted', async () => {
    await force(policyOf('oncall', { terms: TERMS }));
    const replica = new Replica(0);
    const session = await replica.running();
    await expect(replica.step(session, 'note', { extensions: 3 })).rejects.toThrow(
      /sessions_extended_as_granted/,
    );
    await replica.end(session);
  });
});
