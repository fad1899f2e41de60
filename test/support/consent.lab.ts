import { ActOnSession } from '../../src/app/act-on-session.js';
import { AdvanceSession } from '../../src/app/advance-session.js';
import type { Caller } from '../../src/app/caller.js';
import { DecideSession } from '../../src/app/decide-session.js';
import type { Word } from '../../src/app/decide-session.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import { NotePerson } from '../../src/app/note-person.js';
import { RequestSession } from '../../src/app/request-session.js';
import type { Person } from '../../src/domain/person.js';
import type { Approvals } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session, SessionId } from '../../src/domain/session/session.js';
import {
  FixedPolicies,
  HandClock,
  MemoryClusters,
  MemoryJournal,
  MemorySessionStore,
  NobodyOnCall,
  NoHistory,
} from './in-memory.ports.js';
import { MemoryActivity } from './in-memory.streams.js';
import { policyOf, setOf } from './policies.js';
import { BOUNDS, LIMITS } from './session.bounds.js';
import { actorOf } from './sessions.js';

/** Asking, consenting and starting by the real use cases, on a policy with these approvals and on ports in memory. */
export class ConsentLab {
  readonly clock = new HandClock(new Date('2026-03-04T10:00:00Z'));
  readonly store = new MemorySessionStore();
  readonly journal = new MemoryJournal();
  readonly note = new NotePerson({
    people: this.store.people,
    clock: this.clock,
    journal: this.journal,
  });
  private readonly asking: RequestSession;
  private readonly deciding = new DecideSession({
    store: this.store,
    people: this.store.people,
    note: this.note,
    clock: this.clock,
    bounds: BOUNDS,
  });
  private readonly acting = new ActOnSession({
    store: this.store,
    clock: this.clock,
    bounds: BOUNDS,
  });
  private readonly advancing = new AdvanceSession({
    store: this.store,
    clusters: new MemoryClusters(),
    activity: new MemoryActivity(),
    clock: this.clock,
    bounds: BOUNDS,
    journal: this.journal,
    replica: 'lab',
  });
  private pods = 0;

  /** Whoever is in `oncall` may ask. */
  constructor(approvals: Approvals) {
    this.asking = new RequestSession({
      store: this.store,
      clusters: new MemoryClusters(),
      policies: new FixedPolicies(setOf([policyOf('oncall', { terms: { approvals } })])),
      facts: new GatherFacts({
        history: new NoHistory(),
        onCall: new NobodyOnCall(),
        clock: this.clock,
      }),
      clock: this.clock,
      limits: LIMITS,
    });
  }

  /** A session on a Pod of its own, to be started by hand. */
  async ask(person: Person): Promise<Session> {
    const outcome = await this.asking.ask(callerOf(person), {
      namespace: 'payments',
      target: { kind: 'pod', name: `web-${this.pods++}` },
      reason: 'the pool is exhausted',
      start: 'manual',
    });
    if (isProblem(outcome)) throw new Error(outcome.detail);
    return outcome.session;
  }

  /** A word on what `session` was when it was read. */
  say(
    person: Person,
    session: Pick<Session, 'id' | 'version'>,
    word: Omit<Word, 'seenVersion'> & { readonly issuedAt?: number },
  ): Promise<Session | Problem> {
    const { issuedAt, ...rest } = word;
    const caller = callerOf(person, issuedAt);
    return this.deciding.decide(caller, session.id, { ...rest, seenVersion: session.version });
  }

  /** A word that is taken. */
  async said(...args: Parameters<ConsentLab['say']>): Promise<Session> {
    const outcome = await this.say(...args);
    if (isProblem(outcome)) throw new Error(`${outcome.problem}: ${outcome.detail}`);
    return outcome;
  }

  start(person: Person, id: SessionId): Promise<Session | Problem> {
    return this.acting.act(callerOf(person), id, { action: 'start' });
  }

  /** What the broker does of its own accord, as far as it goes now. */
  async advance(id: SessionId): Promise<Session> {
    const signal = new AbortController().signal;
    await this.advancing.advance(await this.read(id), {
      isEnd: true,
      signal,
      expect: () => undefined,
    });
    return this.read(id);
  }

  async read(id: SessionId): Promise<Session> {
    const session = await this.store.find(id);
    if (!session) throw new Error(`no session ${id}`);
    return session;
  }

  later(seconds: number): void {
    this.clock.set(new Date(this.clock.now().getTime() + seconds * 1000));
  }
}

/** Somebody with every role: what roles do not permit is not asked here. */
export function callerOf(person: Person, issuedAt = 0): Caller {
  return {
    actor: { ...actorOf(person), signIn: { issuedAt } },
    roles: ['requester', 'approver'],
  };
}
