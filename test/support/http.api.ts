import type { AddressInfo } from 'node:net';
import { Injectable } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import passport from 'passport';
import { pino } from 'pino';
import supertest from 'supertest';
import { ActOnSession } from '../../src/app/act-on-session.js';
import { DecideSession } from '../../src/app/decide-session.js';
import { ExtendSession } from '../../src/app/extend-session.js';
import type { Clusters } from '../../src/app/ports/cluster.js';
import type { SessionStore } from '../../src/app/ports/session.store.js';
import { NotePerson } from '../../src/app/note-person.js';
import { ReadAudit, ReadSession } from '../../src/app/read-session.js';
import { ListTargets } from '../../src/app/list-targets.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import { ReadReviews } from '../../src/app/read-reviews.js';
import { RequestSession } from '../../src/app/request-session.js';
import { ReviewSession } from '../../src/app/review-session.js';
import { SimulatePolicy } from '../../src/app/simulate-policy.js';
import { stepOf } from '../../src/app/session-step.js';
import type { Changes } from '../../src/app/session-step.js';
import { startChanges } from '../../src/app/start-session.js';
import { createHttpApp } from '../../src/adapters/http/http.app.js';
import type { HttpDeps } from '../../src/adapters/http/http.module.js';
import type { HttpSettings } from '../../src/adapters/http/http.settings.js';
import { STREAMS } from '../../src/adapters/http/http.settings.js';
import { SOCKETS } from '../../src/adapters/http/socket.settings.js';
import { YamlDrafts } from '../../src/adapters/policy/draft.documents.js';
import type { ClusterHealth } from '../../src/domain/cluster.health.js';
import { failed, UNKNOWN } from '../../src/domain/cluster.health.js';
import type { Person } from '../../src/domain/person.js';
import type { AccessPolicy, PolicySet } from '../../src/domain/policy/policy.js';
import { isProblem, problem } from '../../src/domain/problem.js';
import type { SessionEvent } from '../../src/domain/session/session.machine.js';
import type { Session, SessionId } from '../../src/domain/session/session.js';
import { BoxChannel, channelDesk } from './box.channel.js';
import {
  FixedPolicies,
  HandClock,
  MemoryClusters,
  MemoryJournal,
  MemorySessionStore,
  NobodyOnCall,
  NoHistory,
  NoReviews,
} from './in-memory.ports.js';
import type { KubectlLab } from './in-memory.kubectl.js';
import { kubectlLab } from './in-memory.kubectl.js';
import { MemoryTargets } from './in-memory.targets.js';
import { approvals, policyOf, requirement, setOf } from './policies.js';
import { MemoryPolicyArchive } from './policy.archives.js';
import { BOUNDS, LIMITS } from './session.bounds.js';
import { ALEX, ROBIN, SAM, SYSTEM } from './sessions.js';
import type { MemoryStreams } from './stream.deps.js';
import {
  NoBypasses,
  holdNothing,
  tendNothing,
  readNothing,
  receiveNothing,
  reportNoGlass,
  reportNothing,
  reviewNothing,
  searchNothing,
  takeNothing,
} from './in-memory.log.js';
import { memoryStreams } from './stream.deps.js';

/** People for tests of the API, by the token that they show. */
export const PEOPLE = {
  robin: ROBIN,
  alex: ALEX,
  sam: SAM,
  /** On call like Robin, and nothing to do with Robin's sessions. */
  stranger: {
    iss: ROBIN.iss,
    sub: 'stranger',
    email: 'stranger@example.com',
    groups: ['oncall', 'other-leads'],
  },
  auditor: { iss: ROBIN.iss, sub: 'audit', groups: ['auditors'] },
  admin: { iss: ROBIN.iss, sub: 'admin', groups: ['admins'] },
  nobody: { iss: ROBIN.iss, sub: 'nobody', groups: [] },
} as const satisfies Record<string, Person>;

export type Who = keyof typeof PEOPLE;

export const ROLE_GROUPS = {
  requester: ['oncall'],
  approver: ['payments-leads', 'other-leads'],
  auditor: ['auditors'],
  admin: ['admins'],
};

const ASKS_A_REASON = { reason: { required: true, pattern: null } };
const consentsOf = (count: number) => ({
  ...ASKS_A_REASON,
  approvals: approvals(requirement(count, 'payments-leads')),
});

/** `staging` at once, `payments` with one consent of its leads, `vault` with two, anything else not at all. */
export const POLICIES: AccessPolicy[] = [
  policyOf('staging', { match: { namespaces: ['staging'] }, terms: ASKS_A_REASON }),
  policyOf('payments', { match: { namespaces: ['payments'] }, terms: consentsOf(1) }),
  policyOf('vault', { match: { namespaces: ['vault'] }, terms: consentsOf(2) }),
];

/** Tokens are people's names; `expired` is one that no longer holds, `unchecked` one that cannot be checked now. */
class NameStrategy extends passport.Strategy {
  expiresAt = new Date(Date.now() + 3_600_000);

  override authenticate(request: Parameters<passport.Strategy['authenticate']>[0]): void {
    const token = /^Bearer ([a-z]+)$/.exec(request.headers.authorization ?? '')?.[1];
    const person =
      token !== undefined && Object.hasOwn(PEOPLE, token) ? PEOPLE[token as Who] : undefined;
    if (person) return this.success({ person, signIn: {}, expiresAt: this.expiresAt });
    if (token === 'unchecked') {
      return this.fail(
        problem('identity-unavailable', 'Try again soon.', { retryAfterSeconds: 3 }),
        503,
      );
    }
    const cause = { reason: token === undefined ? 'missing' : 'expired' };
    this.fail(problem('unauthenticated', 'The access token is not accepted.', { cause }), 401);
  }
}
Injectable()(NameStrategy);

/** How clusters are, as a test says. */
export class PlayedStates {
  states: ClusterHealth[] = [];

  /** From now on it cannot be reached. */
  away(name: string, since: Date): void {
    const credentials = { readAt: since, refusedSince: null };
    this.states = [{ name, ...failed(UNKNOWN, 'timed-out', since), credentials }];
  }

  health(): readonly ClusterHealth[] {
    return this.states;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; undefined for an empty one. Tests read it freely. */
  readonly body: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

export interface Api {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly port: number;
  readonly store: MemorySessionStore;
  readonly journal: MemoryJournal;
  readonly clock: HandClock;
  readonly strategy: NameStrategy;
  readonly streams: MemoryStreams;
  readonly deps: HttpDeps;
  readonly kubectl: KubectlLab;
  readonly clusterStates: PlayedStates;
  /** Calls an operation. `who` undefined: without a token. */
  call(operation: string, call: Call): Promise<Answer>;
  /** Asks for a session as Robin, on a Pod that nobody asked for before, and gives it. */
  ask(over?: object, who?: Who): Promise<Answer>;
  /** A step of the broker's own. */
  step(id: string, event: SessionEvent, changes?: Changes): Promise<Session>;
  close(): Promise<void>;
}

export interface Call {
  readonly who?: Who | (string & {});
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The API on a real port of the loopback interface, over ports in memory. */
export async function startApi(
  over: {
    settings?: Partial<HttpSettings>;
    deps?: Partial<HttpDeps>;
    clusters?: Clusters;
    set?: PolicySet;
    port?: number;
  } = {},
): Promise<Api> {
  const store = new MemorySessionStore();
  const journal = new MemoryJournal();
  const clock = new HandClock();
  const { clusters = new MemoryClusters(), set = setOf(POLICIES) } = over;
  const policies = new FixedPolicies(set);
  const reviews = new NoReviews();
  const archive = new MemoryPolicyArchive();
  const strategy = new NameStrategy();
  const note = new NotePerson({ people: store.people, clock, journal });
  const facts = new GatherFacts({ history: new NoHistory(), onCall: new NobodyOnCall(), clock });
  const { news, people, log } = store;
  const roleGroups = ROLE_GROUPS;
  const streams = memoryStreams({ store, news, people, log, clock, journal, roleGroups });
  const requestSession = new RequestSession({
    store,
    clusters,
    policies,
    facts,
    clock,
    limits: LIMITS,
  });
  const kubectl = kubectlLab({ store, clusters, policies, asking: requestSession, clock });
  const clusterStates = new PlayedStates();
  const deps: HttpDeps = {
    requestSession,
    kubectl: kubectl.uses,
    clusterStates,
    decideSession: new DecideSession({ store, people: store.people, note, clock, bounds: BOUNDS }),
    actOnSession: new ActOnSession({ store, clock, bounds: BOUNDS }),
    extendSession: new ExtendSession({
      store,
      clusters,
      policies,
      facts,
      people: store.people,
      note,
      log: store.log,
      clock,
      limits: LIMITS,
    }),
    readSession: new ReadSession({ store }),
    readAudit: new ReadAudit({ log: store.log, clock }),
    searchAudit: searchNothing(store.log, clock),
    reportAccess: reportNothing(store.log, clock),
    auditReviews: reviewNothing(store, clock),
    reportBreakGlass: reportNoGlass({ reviews, log: store.log, clock }),
    ...channelDesk([new BoxChannel()], { log: store.log, clock }),
    readLog: readNothing(store.log, clock),
    holdAudit: holdNothing(store, clock),
    tendSinks: tendNothing(clock),
    takeEvidence: takeNothing({
      store,
      reviews,
      clock,
      audit: store.log,
      policies: archive,
      recordings: streams.recordings,
    }),
    receiveAudit: receiveNothing({
      store,
      bypasses: new NoBypasses(),
      clock,
      journal,
      replica: 'test',
    }),
    notePerson: note,
    reviewSession: new ReviewSession({ store, reviews, people: store.people, clock }),
    readReviews: new ReadReviews({ reviews, clock }),
    listTargets: new ListTargets({ clusters: new MemoryTargets(), policies, facts }),
    simulatePolicy: new SimulatePolicy({ policies, drafts: new YamlDrafts(), clock }),
    ...streams.deps,
    store,
    news: store.news,
    policies,
    policyArchive: archive,
    clusters,
    clock,
    journal,
    roleGroups: ROLE_GROUPS,
    isDatabaseDown: (error) => error instanceof Error && error.message === 'database away',
    logger: pino({ level: 'silent' }),
    settings: {
      version: '0.0.0-test',
      publicUrl: 'http://127.0.0.1',
      trustProxy: false,
      streams: STREAMS,
      sockets: SOCKETS,
      origins: [],
      signIn: [],
      ...over.settings,
    },
    ...over.deps,
  };
  let asked = 0;
  const app = await createHttpApp(deps);
  passport.use('bearer-oidc', strategy);
  await app.listen(over.port ?? 0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `${over.settings?.tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const call: Api['call'] = (_operation, args) => send(url, args);
  return {
    app,
    url,
    port,
    store,
    journal,
    clock,
    strategy,
    streams,
    deps,
    kubectl,
    clusterStates,
    call,
    ask: (body = {}, who = 'robin') =>
      call('requestSession', {
        who,
        method: 'POST',
        path: '/v1/sessions',
        body: { ...REQUEST, target: { pod: `web-${(asked += 1)}` }, ...body },
      }),
    step: (id, event, changes) => systemStep(store, id as SessionId, event, changes),
    close: async () => {
      await kubectl.live.stop();
      await app.close();
    },
  };
}

/** What Robin asks for, where a test does not say otherwise: granted at once, started by hand. */
export const REQUEST = {
  namespace: 'staging',
  target: { pod: 'web' },
  reason: 'the pool is exhausted',
  durationSeconds: 600,
  start: 'manual',
};

async function send(
  url: string,
  { who, path, method = 'GET', headers = {}, body }: Call,
): Promise<Answer> {
  const request = new supertest.Test(url, method, path).timeout(25_000);
  if (who !== undefined) request.set('authorization', `Bearer ${who}`);
  if (body !== undefined) request.set('content-type', 'application/json');
  request.set(headers);
  if (body !== undefined) request.send(typeof body === 'string' ? body : JSON.stringify(body));
  const response = await request;
  // Of an answer without a body, and of one that is no text, there is none.
  const text = response.text ?? '';
  const isJson = response.type.includes('json') && text !== '';
  return {
    status: response.status,
    headers: new Headers(response.headers),
    text,
    body: isJson ? response.body : undefined,
  };
}

async function systemStep(
  store: SessionStore,
  id: SessionId,
  event: SessionEvent,
  changes: Changes = {},
): Promise<Session> {
  const session = await store.find(id);
  if (!session) throw new Error(`no session ${id}`);
  const at = new Date();
  const written = await store.write(
    stepOf({
      session,
      event,
      capacities: ['system'],
      actor: SYSTEM,
      at,
      changes: { ...(event === 'start' ? startChanges(session, at, BOUNDS) : {}), ...changes },
    }),
  );
  if (isProblem(written)) throw new Error(written.detail);
  return written;
}
