import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { createHttpApp } from '../../src/adapters/http/http.app.js';
import { STREAMS } from '../../src/adapters/http/http.settings.js';
import { SOCKETS } from '../../src/adapters/http/socket.settings.js';
import { bearerStrategy } from '../../src/adapters/oidc/bearer.strategy.js';
import { YamlDrafts } from '../../src/adapters/policy/draft.documents.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPeople } from '../../src/adapters/prisma/prisma-people.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaHistory } from '../../src/adapters/prisma/prisma-history.js';
import { PrismaOutbox } from '../../src/adapters/prisma/prisma-outbox.js';
import { PrismaReviewStore } from '../../src/adapters/prisma/prisma-review.store.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { ActOnSession } from '../../src/app/act-on-session.js';
import { DecideSession } from '../../src/app/decide-session.js';
import { ExtendSession } from '../../src/app/extend-session.js';
import { NotePerson } from '../../src/app/note-person.js';
import { ListTargets } from '../../src/app/list-targets.js';
import { channelDesk } from './box.channel.js';
import { MemoryTargets } from './in-memory.targets.js';
import { GatherFacts } from '../../src/app/gather-facts.js';
import { ReadReviews } from '../../src/app/read-reviews.js';
import { ReadAudit, ReadSession } from '../../src/app/read-session.js';
import { RequestSession } from '../../src/app/request-session.js';
import { ReviewSession } from '../../src/app/review-session.js';
import { SimulatePolicy } from '../../src/app/simulate-policy.js';
import type { AccessPolicy, PolicySet } from '../../src/domain/policy/policy.js';
import { LoopbackIssuer } from '../identity/loopback.issuer.js';
import type { Answer } from './http.api.js';
import { REQUEST, ROLE_GROUPS } from './http.api.js';
import { PrismaAuditIndex } from '../../src/adapters/prisma/prisma-audit.index.js';
import { PrismaAuditReviewStore } from '../../src/adapters/prisma/prisma-audit-review.store.js';
import { auditReviewUses } from '../../src/app/audit-review.uses.js';
import { PrismaAccessReport } from '../../src/adapters/prisma/prisma-access.report.js';
import { PrismaBreakGlassReport } from '../../src/adapters/prisma/prisma-break-glass.report.js';
import { ReportBreakGlass } from '../../src/app/report-break-glass.js';
import { ReportAccess } from '../../src/app/report-access.js';
import {
  NoBypasses,
  holdNothing,
  tendNothing,
  readNothing,
  receiveNothing,
  searchNothing,
  takeNothing,
} from './in-memory.log.js';
import { kubectlLab } from './in-memory.kubectl.js';
import {
  MemorySessionStore,
  FixedPolicies,
  HandClock,
  MemoryClusters,
  MemoryJournal,
  MemoryNews,
  NobodyOnCall,
} from './in-memory.ports.js';
import { memoryStreams } from './stream.deps.js';
import { setOf } from './policies.js';
import { putInForce } from './policy.archives.js';
import type { TestDatabase } from './postgres.js';
import { freshDatabase } from './postgres.js';
import { BOUNDS, LIMITS } from './session.bounds.js';

/** Claims of a token, and with them who sends it. */
export type Claims = Readonly<Record<string, unknown>>;

/** The API over real PostgreSQL, with real tokens, by a clock that is set by hand. The cluster alone is made up. */
export class GlassLab implements AsyncDisposable {
  private constructor(
    readonly fresh: TestDatabase,
    readonly database: Database,
    readonly clock: HandClock,
    readonly issuer: LoopbackIssuer,
    readonly app: NestFastifyApplication,
    readonly store: PrismaSessionStore,
    readonly reviews: PrismaReviewStore,
    readonly set: PolicySet,
    readonly people: PrismaPeople,
  ) {}

  static async start(policies: readonly AccessPolicy[]): Promise<GlassLab> {
    const fresh = await freshDatabase();
    const database = new Database({ url: fresh.serviceUrl, poolSize: 8 }, () => undefined);
    const set = setOf(policies);
    const policyArchive = new PrismaPolicyArchive(database);
    await putInForce(policyArchive, set);

    const clock = new HandClock(new Date());
    const issuer = await LoopbackIssuer.start({
      get seconds() {
        return Math.floor(clock.now().getTime() / 1000);
      },
    });
    const store = new PrismaSessionStore(database);
    const reviews = new PrismaReviewStore(database);
    const auditReviews = new PrismaAuditReviewStore(database);
    const [clusters, source, journal] = [
      new MemoryClusters(),
      new FixedPolicies(set),
      new MemoryJournal(),
    ];
    const history = new PrismaHistory(database);
    const people = new PrismaPeople(database);
    const note = new NotePerson({ people, clock, journal });
    const facts = new GatherFacts({ history, onCall: new NobodyOnCall(), clock });
    const news = new MemoryNews();
    const log = new PrismaAuditLog(database);
    const roleGroups = ROLE_GROUPS;
    const streams = memoryStreams({ store, news, people, log, clock, journal, roleGroups });
    const requestSession = new RequestSession({
      store,
      clusters,
      policies: source,
      facts,
      clock,
      limits: LIMITS,
    });
    const app = await createHttpApp({
      requestSession,
      // Nobody uses kubectl here.
      kubectl: kubectlLab({
        store: new MemorySessionStore(),
        clusters,
        policies: source,
        asking: requestSession,
        clock,
      }).uses,
      decideSession: new DecideSession({ store, people, note, clock, bounds: BOUNDS }),
      actOnSession: new ActOnSession({ store, clock, bounds: BOUNDS }),
      extendSession: new ExtendSession({
        store,
        clusters,
        policies: source,
        facts,
        people,
        note,
        log,
        clock,
        limits: LIMITS,
      }),
      readSession: new ReadSession({ store }),
      readAudit: new ReadAudit({ log, clock }),
      searchAudit: searchNothing(log, clock),
      reportAccess: new ReportAccess({ report: new PrismaAccessReport(database), log, clock }),
      reportBreakGlass: new ReportBreakGlass({
        report: new PrismaBreakGlassReport(database),
        reviews,
        auditReviews,
        log,
        clock,
      }),
      auditReviews: auditReviewUses({
        reviews: auditReviews,
        index: new PrismaAuditIndex(database),
        store,
        clock,
      }),
      ...channelDesk([], { log, clock }),
      readLog: readNothing(log, clock),
      holdAudit: holdNothing(store, clock),
      tendSinks: tendNothing(clock),
      receiveAudit: receiveNothing({
        store,
        bypasses: new NoBypasses(),
        clock,
        journal,
        replica: 'test',
      }),
      notePerson: note,
      simulatePolicy: new SimulatePolicy({ policies: source, drafts: new YamlDrafts(), clock }),
      listTargets: new ListTargets({ clusters: new MemoryTargets(), policies: source, facts }),
      reviewSession: new ReviewSession({ store, reviews, people, clock }),
      readReviews: new ReadReviews({ reviews, clock }),
      ...streams.deps,
      takeEvidence: takeNothing({
        store,
        reviews,
        clock,
        audit: log,
        policies: policyArchive,
        recordings: streams.recordings,
      }),
      store,
      news,
      policies: source,
      policyArchive,
      clusterStates: { health: () => [] },
      clusters,
      clock,
      journal,
      roleGroups: ROLE_GROUPS,
      isDatabaseDown: () => false,
      logger: pino({ level: 'silent' }),
      settings: {
        version: '0.0.0-test',
        publicUrl: 'http://127.0.0.1',
        trustProxy: false,
        streams: STREAMS,
        sockets: SOCKETS,
        origins: [],
        signIn: [],
      },
      providers: bearerStrategy(issuer.identity()),
    });
    await app.listen(0, '127.0.0.1');
    return new GlassLab(fresh, database, clock, issuer, app, store, reviews, set, people);
  }

  get outbox(): PrismaOutbox {
    return new PrismaOutbox(this.database);
  }

  /** A call with a token of these claims, issued now. */
  async call(
    _operation: string,
    {
      as,
      path,
      body,
      headers = {},
    }: { as: Claims; path: string; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer> {
    const { port } = this.app.getHttpServer().address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(10_000),
      headers: {
        authorization: `Bearer ${await this.issuer.sign(as)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, body: parsed };
  }

  /** Asks for a session, breaking the glass unless it says otherwise. */
  async ask(as: Claims, over: object = {}): Promise<Answer> {
    const body = { ...REQUEST, namespace: 'payments', breakGlass: true, ...over };
    return this.call('requestSession', { as, path: '/v1/sessions', body });
  }

  /** Breaks the glass and withdraws: an ended session that owes a review. */
  async broken(as: Claims, over: object = {}): Promise<string> {
    const { body } = await this.ask(as, over);
    const id = String(body.id);
    const ended = await this.call('endSession', { as, path: `/v1/sessions/${id}/end`, body: {} });
    if (ended.body?.state !== 'ended') throw new Error(`not ended: ${body.policy?.explanation}`);
    return id;
  }

  review(as: Claims, id: string, over: object = {}): Promise<Answer> {
    const body = { finding: 'justified', comment: 'orders were stuck', ...over };
    return this.call('reviewSession', { as, path: `/v1/sessions/${id}/review`, body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.issuer.close();
    await this.database.close();
    await this.fresh.drop();
  }
}
