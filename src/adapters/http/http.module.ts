import type { IncomingMessage } from 'node:http';
import type { DynamicModule, ModuleMetadata, Provider, Type } from '@nestjs/common';
import { Module, RequestMethod } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import { ActOnSession } from '../../app/act-on-session.js';
import type { AuditReviewUses } from '../../app/audit-review.uses.js';
import { CloseAuditReview } from '../../app/close-audit-review.js';
import { DecideSession } from '../../app/decide-session.js';
import { ExtendSession } from '../../app/extend-session.js';
import { EnterSession } from '../../app/enter-session.js';
import { IssueTicket } from '../../app/issue-ticket.js';
import { DebugByKubectl } from '../../app/debug-by-kubectl.js';
import { ForwardPorts } from '../../app/forward-ports.js';
import { IssueKubeconfig } from '../../app/issue-kubeconfig.js';
import type { KubectlUses } from '../../app/kubectl.uses.js';
import { ListTargets } from '../../app/list-targets.js';
import { NotePerson } from '../../app/note-person.js';
import { OpenAuditReview } from '../../app/open-audit-review.js';
import { ReadAuditReviews } from '../../app/read-audit-reviews.js';
import { SignOffSession } from '../../app/sign-off-session.js';
import { Clock } from '../../app/ports/clock.js';
import { Clusters } from '../../app/ports/cluster.js';
import { ClusterStates } from '../../app/ports/cluster.states.js';
import { Journal } from '../../app/ports/journal.js';
import { KubeTokens } from '../../app/ports/kube.tokens.js';
import { PolicyArchive } from '../../app/ports/policy.archive.js';
import { PolicySource } from '../../app/ports/policy.source.js';
import { Presence } from '../../app/ports/presence.js';
import { SessionNews } from '../../app/ports/session.news.js';
import type { SlackInbox } from '../../app/ports/slack.inbox.js';
import { SessionStore } from '../../app/ports/session.store.js';
import type { Stopwatch } from '../../app/ports/stopwatch.js';
import type { Tracer } from '../../app/ports/tracer.js';
import { ReadChannels } from '../../app/read-channels.js';
import { ReadLogs } from '../../app/read-logs.js';
import { ReadRecordings } from '../../app/read-recordings.js';
import { ReadReviews } from '../../app/read-reviews.js';
import { ReportAccess } from '../../app/report-access.js';
import { ReportBreakGlass } from '../../app/report-break-glass.js';
import { SearchAudit } from '../../app/search-audit.js';
import { HoldAudit } from '../../app/hold-audit.js';
import { TendSinks } from '../../app/tend-sinks.js';
import { ReadLog } from '../../app/read-log.js';
import { TakeEvidence } from '../../app/take-evidence.js';
import { ReadAudit, ReadSession } from '../../app/read-session.js';
import { ReceiveAudit } from '../../app/receive-audit.js';
import { RedeemTicket } from '../../app/redeem-ticket.js';
import { RequestSession } from '../../app/request-session.js';
import { ReviewSession } from '../../app/review-session.js';
import { SimulatePolicy } from '../../app/simulate-policy.js';
import { TestChannel } from '../../app/test-channel.js';
import { WatchScreen } from '../../app/watch-screen.js';
import { UseByKubectl } from '../../app/use-by-kubectl.js';
import type { RoleGroups } from '../../domain/permission.js';
import { traceFields } from '../../domain/traceparent.js';
import { AccessGuard, Roles } from './access.guard.js';
import { ApiAuditController } from './api-audit.controller.js';
import { AuditController } from './audit.controller.js';
import { AuditHoldsController } from './audit-holds.controller.js';
import { AuditSinksController } from './audit-sinks.controller.js';
import { AuditSearchController } from './audit-search.controller.js';
import { AuditReviewsController } from './audit-reviews.controller.js';
import { ReportsController } from './reports.controller.js';
import { EvidenceController } from './evidence.controller.js';
import { LogController } from './log.controller.js';
import { CatalogController } from './catalog.controller.js';
import { ChannelsController } from './channels.controller.js';
import { DatabaseOutage } from './database.outage.js';
import { ApiDescription, DocsController } from './docs.controller.js';
import { HttpSettings } from './http.settings.js';
import { KubeClusterController } from './kube/kube-cluster.controller.js';
import { KubeSessionController } from './kube/kube-session.controller.js';
import { KubeconfigController } from './kube/kubeconfig.controller.js';
import { KubectlStreams } from './kube/kubectl.streams.js';
import { PodWatches } from './kube/pod.watches.js';
import { PortForwards } from './kube/port.forwards.js';
import { StatusFilter } from './kube/status.filter.js';
import { PageDoor, PageParts } from './pages/page.door.js';
import { PageFilter } from './pages/page.filter.js';
import { ClusterPages } from './pages/cluster.pages.js';
import { SessionActsPages } from './pages/session-acts.pages.js';
import { SessionPages } from './pages/session.pages.js';
import { SessionShower } from './pages/session.shower.js';
import { SignInPages } from './pages/sign-in.pages.js';
import { SlackLinkPages } from './pages/slack-link.pages.js';
import { PolicySetsController } from './policy-sets.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { RecordingsController } from './recordings.controller.js';
import { traceparentOf } from './request.traces.js';
import { ReviewsController } from './reviews.controller.js';
import { RouteTable } from './route.table.js';
import { SchemaPipe } from './schema.pipe.js';
import { SessionActsController } from './session-acts.controller.js';
import { SessionEventsController } from './session-events.controller.js';
import { SessionTicketsController } from './session-tickets.controller.js';
import { SessionStreams } from './session.streams.js';
import { SessionsController } from './sessions.controller.js';
import { SlackLinksController } from './slack-links.controller.js';
import { SignInController } from './sign-in.controller.js';
import { SimulationController } from './simulation.controller.js';
import { TerminalController } from './terminal.controller.js';
import { WebSockets } from './web.sockets.js';
import { TargetsController } from './targets.controller.js';

/** What the API is made of; the composition root has it all. */
export interface HttpDeps {
  readonly requestSession: RequestSession;
  readonly decideSession: DecideSession;
  readonly actOnSession: ActOnSession;
  readonly extendSession: ExtendSession;
  readonly readSession: ReadSession;
  readonly readAudit: ReadAudit;
  readonly searchAudit: SearchAudit;
  readonly reportAccess: ReportAccess;
  readonly reportBreakGlass: ReportBreakGlass;
  readonly auditReviews: AuditReviewUses;
  readonly readLog: ReadLog;
  readonly holdAudit: HoldAudit;
  readonly tendSinks: TendSinks;
  readonly takeEvidence: TakeEvidence;
  readonly receiveAudit: ReceiveAudit;
  /** Aborts when this replica is about to stop: who comes is served, and the connection closed. */
  readonly draining?: AbortSignal;
  /** Does what ends sessions so that it does not wait behind what asks for them. */
  readonly urgently?: (work: () => void) => void;
  /** Left out: nobody measures. */
  readonly stopwatch?: Stopwatch;
  readonly notePerson: NotePerson;
  readonly readChannels: ReadChannels;
  readonly testChannel: TestChannel;
  readonly reviewSession: ReviewSession;
  readonly readReviews: ReadReviews;
  readonly simulatePolicy: SimulatePolicy;
  readonly enterSession: EnterSession;
  readonly issueTicket: IssueTicket;
  readonly redeemTicket: RedeemTicket;
  readonly watchScreen: WatchScreen;
  readonly presence: Presence;
  readonly readRecordings: ReadRecordings;
  readonly kubectl: KubectlUses;
  readonly listTargets: ListTargets;
  readonly store: SessionStore;
  readonly news: SessionNews;
  readonly policies: PolicySource;
  readonly policyArchive: PolicyArchive;
  readonly clusters: Clusters;
  readonly clusterStates: ClusterStates;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly roleGroups: RoleGroups;
  /** Whether an error means that the database does not answer. */
  readonly isDatabaseDown: (error: unknown) => boolean;
  readonly logger: Logger;
  /** Left out: nobody follows. */
  readonly tracer?: Tracer;
  readonly settings: HttpSettings;
  /** Left out: there are no pages to sign in to, and no Slack. */
  readonly pages?: PageParts;
  /** Left out: Slack posts nothing here. */
  readonly slackInbox?: SlackInbox;
  /** The passport strategy `bearer-oidc` and what it needs. */
  readonly providers?: readonly Provider[];
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** More controllers, each of whose handlers names its permission. */
  readonly controllers?: readonly Type[];
}

export const CONTROLLERS: readonly Type[] = [
  SessionsController,
  SessionActsController,
  SessionEventsController,
  SessionTicketsController,
  TerminalController,
  ReviewsController,
  CatalogController,
  TargetsController,
  PolicySetsController,
  SimulationController,
  AuditController,
  AuditSearchController,
  AuditReviewsController,
  AuditHoldsController,
  AuditSinksController,
  ReportsController,
  LogController,
  EvidenceController,
  ApiAuditController,
  ChannelsController,
  RecordingsController,
  SignInController,
  SlackLinksController,
  KubeconfigController,
  KubeClusterController,
  KubeSessionController,
  DocsController,
  SignInPages,
  SlackLinkPages,
  ClusterPages,
  SessionPages,
  SessionActsPages,
];

@Module({})
export class HttpModule {
  static register(deps: HttpDeps, routes: RouteTable): DynamicModule {
    return {
      module: HttpModule,
      imports: [logging(deps.logger), ...(deps.imports ?? [])],
      controllers: [...CONTROLLERS, ...(deps.controllers ?? [])],
      providers: [
        { provide: RequestSession, useValue: deps.requestSession },
        { provide: DecideSession, useValue: deps.decideSession },
        { provide: ActOnSession, useValue: deps.actOnSession },
        { provide: ExtendSession, useValue: deps.extendSession },
        { provide: ReadSession, useValue: deps.readSession },
        { provide: ReadAudit, useValue: deps.readAudit },
        { provide: ReportAccess, useValue: deps.reportAccess },
        { provide: ReportBreakGlass, useValue: deps.reportBreakGlass },
        { provide: OpenAuditReview, useValue: deps.auditReviews.open },
        { provide: SignOffSession, useValue: deps.auditReviews.signOff },
        { provide: CloseAuditReview, useValue: deps.auditReviews.close },
        { provide: ReadAuditReviews, useValue: deps.auditReviews.read },
        { provide: SearchAudit, useValue: deps.searchAudit },
        { provide: ReadLog, useValue: deps.readLog },
        { provide: HoldAudit, useValue: deps.holdAudit },
        { provide: TendSinks, useValue: deps.tendSinks },
        { provide: TakeEvidence, useValue: deps.takeEvidence },
        { provide: ReceiveAudit, useValue: deps.receiveAudit },
        { provide: NotePerson, useValue: deps.notePerson },
        { provide: ReadChannels, useValue: deps.readChannels },
        { provide: TestChannel, useValue: deps.testChannel },
        { provide: ReviewSession, useValue: deps.reviewSession },
        { provide: ReadReviews, useValue: deps.readReviews },
        { provide: SimulatePolicy, useValue: deps.simulatePolicy },
        { provide: EnterSession, useValue: deps.enterSession },
        { provide: IssueTicket, useValue: deps.issueTicket },
        { provide: RedeemTicket, useValue: deps.redeemTicket },
        { provide: WatchScreen, useValue: deps.watchScreen },
        { provide: Presence, useValue: deps.presence },
        { provide: ReadRecordings, useValue: deps.readRecordings },
        { provide: IssueKubeconfig, useValue: deps.kubectl.issueKubeconfig },
        { provide: UseByKubectl, useValue: deps.kubectl.useByKubectl },
        { provide: DebugByKubectl, useValue: deps.kubectl.debugByKubectl },
        { provide: ReadLogs, useValue: deps.kubectl.readLogs },
        { provide: ForwardPorts, useValue: deps.kubectl.forwardPorts },
        { provide: KubeTokens, useValue: deps.kubectl.tokens },
        { provide: ListTargets, useValue: deps.listTargets },
        { provide: SessionStore, useValue: deps.store },
        { provide: SessionNews, useValue: deps.news },
        { provide: PolicySource, useValue: deps.policies },
        { provide: PolicyArchive, useValue: deps.policyArchive },
        { provide: Clusters, useValue: deps.clusters },
        { provide: ClusterStates, useValue: deps.clusterStates },
        { provide: Clock, useValue: deps.clock },
        { provide: Journal, useValue: deps.journal },
        { provide: Roles, useValue: { groups: deps.roleGroups } satisfies Roles },
        { provide: DatabaseOutage, useValue: { is: deps.isDatabaseDown } satisfies DatabaseOutage },
        { provide: HttpSettings, useValue: deps.settings },
        { provide: RouteTable, useValue: routes },
        ApiDescription,
        SessionStreams,
        WebSockets,
        KubectlStreams,
        PodWatches,
        PortForwards,
        StatusFilter,
        { provide: PageParts, useValue: deps.pages ?? new PageParts(null, null) },
        PageDoor,
        SessionShower,
        PageFilter,
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useClass: SchemaPipe },
        ...(deps.providers ?? []),
      ],
    };
  }
}

/** One line for each request: its id, method, path, status and time. No headers, no query, no body. */
function logging(logger: Logger): DynamicModule {
  return LoggerModule.forRoot({
    pinoHttp: {
      logger,
      quietReqLogger: true,
      wrapSerializers: false,
      customAttributeKeys: { reqId: 'request' },
      genReqId: (request) => request.id,
      serializers: {
        // The middleware's own url lacks what its route matched.
        req: (request: { method?: string; originalUrl?: string }) => ({
          method: request.method,
          path: request.originalUrl?.split('?', 1)[0]?.slice(0, 200),
        }),
        res: (response: { statusCode?: number }) => ({ status: response.statusCode }),
      },
      // A response ends where the request is not being worked on any more.
      customSuccessObject: (request: IncomingMessage, _response: unknown, line: object) => ({
        ...traceFields(traceparentOf(request)),
        ...line,
      }),
      customErrorObject: (
        request: IncomingMessage,
        _response: unknown,
        _: unknown,
        line: object,
      ) => ({
        ...traceFields(traceparentOf(request)),
        ...line,
      }),
    },
    // nestjs-pino's own default matches nothing on Fastify.
    forRoutes: [{ path: '*path', method: RequestMethod.ALL }],
  });
}
