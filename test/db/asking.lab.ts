import { PROFILE_OF_OLD } from '../../src/domain/policy/policy.js';
import pg from 'pg';
import { vi } from 'vitest';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaHistory } from '../../src/adapters/prisma/prisma-history.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import type { Caller } from '../../src/app/caller.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import { Clock } from '../../src/app/ports/clock.js';
import type { ResolvedTarget } from '../../src/app/ports/cluster.js';
import { Clusters } from '../../src/app/ports/cluster.js';
import { OnCall } from '../../src/app/ports/on-call.js';
import { PolicySource } from '../../src/app/ports/policy.source.js';
import type { Ask, Asking } from '../../src/app/request-session.js';
import { RequestSession } from '../../src/app/request-session.js';
import { stepOf } from '../../src/app/session-step.js';
import type { Person } from '../../src/domain/person.js';
import type { AccessPolicy, Match, PolicySet, Terms } from '../../src/domain/policy/policy.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem, problem } from '../../src/domain/problem.js';
import type { Session, Target } from '../../src/domain/session/session.js';
import { policyOf, setOf as setOfRules } from '../support/policies.js';
import { putInForce } from '../support/policy.archives.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';
import { LIMITS } from '../support/session.bounds.js';

export const ROBIN: Person = { iss: 'https://id.example', sub: 'robin', groups: ['oncall'] };

/** Connections of each replica: five for asking, two that are kept for what ends sessions. */
const POOL = 7;

const PROFILES = ['shell', 'network'].map((name) => ({
  name,
  description: '',
  image: 'hallpass.sandbox/busybox:1',
  imagePullPolicy: 'IfNotPresent' as const,
  securityContext: null,
  env: [],
  shell: '/bin/sh',
  ...PROFILE_OF_OLD,
}));

/** A rule that lets those who are on call into `shop` at once, but for what is given. */
export function allow(
  name: string,
  { match = {}, terms = {} }: { match?: Partial<Match>; terms?: Partial<Terms> } = {},
): AccessPolicy {
  return policyOf(name, {
    match: { namespaces: ['shop'], ...match },
    terms: { reason: { required: true, pattern: null }, ...terms },
  });
}

/** The rules as a set; sets of other rules have other hashes. */
export function setOf(...policies: readonly AccessPolicy[]): PolicySet {
  return setOfRules(policies, PROFILES);
}

/** Every Pod is there but those named `no-…`; a Deployment's is its own name and `-1`. */
export class AnyPods extends Clusters {
  /** What was asked of the cluster, as texts. */
  readonly calls: string[] = [];
  /** Awaited before the cluster answers: what happens meanwhile. */
  meanwhile: (() => Promise<void>) | undefined;

  list() {
    return [{ name: 'prod', namespaces: ['*'] }];
  }

  async resolve(args: { namespace: string; target: Target }): Promise<ResolvedTarget | Problem> {
    const { target, namespace } = args;
    this.calls.push(`${namespace}/${target.name}`);
    await this.meanwhile?.();
    const namespaceFacts = { namespaceLabels: { tier: 'prod' }, namespaceAnnotations: null };
    if (target.name.startsWith('no-')) {
      const unfit = problem('target-not-found', 'There is no such Pod.');
      return { pin: null, facts: { ...namespaceFacts, pod: null }, unfit };
    }
    const pod = target.kind === 'pod' ? target.name : `${target.name}-1`;
    return {
      pin: { podName: pod, podUid: `uid-of-${namespace}-${pod}`, nodeName: 'n1' },
      facts: {
        ...namespaceFacts,
        pod,
        labels: { app: 'web' },
        annotations: { note: 'a "quoted" note, \u00e9\u{1f511}' },
        owner: { kind: 'Pod', name: pod },
        phase: 'Running',
        ready: true,
        restarts: 3,
        containers: [{ name: 'app', image: 'app:1', digest: '', ready: true, restarts: 3 }],
        node: 'n1',
      },
      unfit: null,
    };
  }

  add = unused;
  observe = unused;
  follow = unused;
  writeLine = unused;
  run = unused;
  evict = unused;
}

function unused(): never {
  throw new Error('asking does not do that');
}

class Now extends Clock {
  now(): Date {
    return new Date();
  }
}

class NobodyOnCall extends OnCall {
  factsFor() {
    return Promise.resolve({});
  }
}

/** The set that a replica goes by, which learns of another only when it looks. */
export class KnownSet extends PolicySource {
  constructor(
    private known: PolicySet,
    private readonly newest: () => PolicySet,
  ) {
    super();
  }

  current(): PolicySet {
    return this.known;
  }

  refresh(): Promise<void> {
    this.known = this.newest();
    return Promise.resolve();
  }
}

/** Asking, by as many replicas as a test wants, on a database of its own. */
export class AskingLab implements AsyncDisposable {
  readonly clusters = new AnyPods();
  private readonly replicas: Database[] = [];

  private constructor(
    readonly fresh: TestDatabase,
    private set: PolicySet,
  ) {}

  static async start(set: PolicySet): Promise<AskingLab> {
    const lab = new AskingLab(await freshDatabase(), set);
    await lab.putInForce(set);
    return lab;
  }

  /** Puts a set in force, which replicas learn of when they look. */
  async putInForce(set: PolicySet): Promise<void> {
    const database = this.replicas[0] ?? this.database();
    await putInForce(new PrismaPolicyArchive(database), set);
    this.set = set;
  }

  /** One more pool of connections to the database. */
  database(): Database {
    const made = new Database({ url: this.fresh.serviceUrl, poolSize: POOL }, () => undefined);
    this.replicas.push(made);
    return made;
  }

  /** One more replica. */
  replica(database = this.database(), onCall: OnCall = new NobodyOnCall()): Replica {
    const clock = new Now();
    const store = new PrismaSessionStore(database);
    const asking = new RequestSession({
      store,
      clusters: this.clusters,
      policies: new KnownSet(this.set, () => this.set),
      facts: new GatherFacts({
        history: new PrismaHistory(database),
        onCall,
        clock,
      }),
      clock,
      limits: LIMITS,
    });
    return new Replica(store, asking, clock);
  }

  /**
   * Holds all writing of sessions back until so many writes wait for it, or for each other: each began before any was
   * done, so that what they counted before they were written is old.
   */
  async together<T>(count: number, asks: () => Promise<T>): Promise<T> {
    const owner = new pg.Client({ connectionString: this.fresh.ownerUrl });
    const watcher = new pg.Client({ connectionString: this.fresh.adminUrl });
    await Promise.all([owner.connect(), watcher.connect()]);
    try {
      await owner.query('BEGIN');
      // Every session refers to its policy set: its key is shared by whoever writes one, at the end of the statement.
      await owner.query('SELECT FROM policy_sets FOR UPDATE');
      const answers = asks();
      await vi.waitUntil(
        async () => {
          const { rows } = await watcher.query<{ waiting: number }>(
            `SELECT count(*)::int AS waiting FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          );
          return rows[0]?.waiting === count;
        },
        { timeout: 10_000, interval: 20 },
      );
      await owner.query('COMMIT');
      return await answers;
    } finally {
      await Promise.all([owner.end(), watcher.end()]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((it) => it.close()));
    await this.fresh.drop();
  }
}

export const pod = (name: string): Target => ({ kind: 'pod', name });
export const deployment = (name: string): Target => ({
  kind: 'workload',
  workload: 'Deployment',
  name,
  pick: 'unhealthy-first',
});

export class Replica {
  constructor(
    readonly store: PrismaSessionStore,
    private readonly asking: RequestSession,
    private readonly clock: Clock,
  ) {}

  /** Asks as Robin for the Pod `web`, but for what is given. @throws Error where the answer is a problem. */
  async ask(
    over: Partial<Ask> = {},
    { person = ROBIN, key }: { person?: Person; key?: string } = {},
  ): Promise<Asking> {
    const answer = await this.tryAsking(over, { person, ...(key === undefined ? {} : { key }) });
    if (isProblem(answer)) throw new Error(`${answer.problem}: ${answer.detail}`);
    return answer;
  }

  tryAsking(
    over: Partial<Ask>,
    { person = ROBIN, key }: { person?: Person; key?: string } = {},
  ): Promise<Asking | Problem> {
    const ask: Ask = {
      namespace: 'shop',
      target: pod('web'),
      profile: 'shell',
      reason: 'the pool is exhausted',
      ...over,
    };
    return this.asking.ask(
      callerFor(person),
      ask,
      key === undefined ? undefined : { key, requestHash: 'a'.repeat(64) },
    );
  }

  /** The requester takes it back. */
  async withdraw(session: Session): Promise<void> {
    const step = stepOf({
      session,
      event: 'withdraw',
      capacities: ['requester'],
      actor: callerFor(ROBIN).actor,
      at: this.clock.now(),
      changes: { endReason: 'withdrawn' },
    });
    const written = await this.store.write(step);
    if (isProblem(written)) throw new Error(written.detail);
  }
}

function callerFor(person: Person): Caller {
  return { actor: { kind: 'person', person, signIn: {}, channel: 'api' }, roles: ['requester'] };
}
