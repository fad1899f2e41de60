import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { compress, decompress } from './adapters/gzip/gzip.js';
import { RotatingFiles } from './adapters/files/rotating.files.js';
import { createHttpApp, renewTls } from './adapters/http/http.app.js';
import { PageParts } from './adapters/http/pages/page.door.js';
import { ManagementServer } from './adapters/http/management.server.js';
import { SystemClock } from './adapters/jobs/system.clock.js';
import { KubernetesClusters } from './adapters/kubernetes/kubernetes.clusters.js';
import { KubernetesStreams } from './adapters/kubernetes/kubernetes.streams.js';
import { KubernetesPods } from './adapters/kubernetes/kubernetes.pods.js';
import { LogNotifier } from './adapters/log/log.notifier.js';
import { makeLogger, PinoJournal } from './adapters/log/pino.journal.js';
import { HttpOnCall } from './adapters/oncall/http.on-call.js';
import { bearerStrategy } from './adapters/oidc/bearer.strategy.js';
import { PrometheusMetrics } from './adapters/metrics/prometheus.metrics.js';
import { PrometheusStopwatch } from './adapters/metrics/prometheus.stopwatch.js';
import { YamlDrafts } from './adapters/policy/draft.documents.js';
import { isPolicyErrors } from './adapters/policy/policy.documents.js';
import { setOfReading, WatchedFolders } from './adapters/policy/policy.folder.js';
import { DatabaseClock } from './adapters/prisma/database.clock.js';
import { Database, isDatabaseDown } from './adapters/prisma/database.js';
import { PrismaActivity } from './adapters/prisma/prisma-activity.js';
import { PrismaOpenSessions } from './adapters/prisma/prisma-open.sessions.js';
import { PrismaPolicyArchive } from './adapters/prisma/prisma-policy.archive.js';
import { PrismaHistory } from './adapters/prisma/prisma-history.js';
import { PrismaKubeNames } from './adapters/prisma/prisma-kube.names.js';
import { PrismaKubeTokens } from './adapters/prisma/prisma-kube.tokens.js';
import { PrismaOutbox } from './adapters/prisma/prisma-outbox.js';
import { PrismaPeople } from './adapters/prisma/prisma-people.js';
import { PrismaPresence } from './adapters/prisma/prisma-presence.js';
import { PrismaRecordingStore } from './adapters/prisma/prisma-recording.store.js';
import { PrismaReviewStore } from './adapters/prisma/prisma-review.store.js';
import { PrismaSessionNews } from './adapters/prisma/prisma-session.news.js';
import { PrismaSessionStore } from './adapters/prisma/prisma-session.store.js';
import { TarTaps } from './adapters/tar/tar.taps.js';
import { PrismaTicketStore } from './adapters/prisma/prisma-ticket.store.js';
import { PrismaSlackLinks } from './adapters/prisma/prisma-slack.links.js';
import { PrismaSlackPosts } from './adapters/prisma/prisma-slack.posts.js';
import { S3Bodies } from './adapters/s3/s3.bodies.js';
import { XtermScreens } from './adapters/screen/xterm.screens.js';
import { tally } from './adapters/prisma/prisma-tally.js';
import { tracedSessionStore } from './adapters/tracing/traced.session.store.js';
import { ActOnSession } from './app/act-on-session.js';
import { AskGate } from './app/ask-gate.js';
import { AdvanceSession } from './app/advance-session.js';
import { DecideSession } from './app/decide-session.js';
import { DeliverNews } from './app/deliver-news.js';
import { ExtendSession } from './app/extend-session.js';
import { EnterContainer } from './app/enter-container.js';
import type { EnterSession } from './app/enter-session.js';
import { FollowPolicies } from './app/follow-policies.js';
import { GatherFacts } from './app/gather-facts.js';
import { LiveStreams } from './app/live-streams.js';
import type { ClusterStreams } from './app/ports/cluster.streams.js';
import type { Clock } from './app/ports/clock.js';
import type { Clusters } from './app/ports/cluster.js';
import type { Presence } from './app/ports/presence.js';
import type { Recorder } from './app/ports/recorder.js';
import type { SessionStore } from './app/ports/session.store.js';
import { IssueTicket } from './app/issue-ticket.js';
import { kubectlUses } from './app/kubectl.uses.js';
import { KeepRecordings } from './app/keep-recordings.js';
import { namedPeople } from './app/kept-caller.js';
import { LinkSlack } from './app/link-slack.js';
import { ListTargets } from './app/list-targets.js';
import { MeasureSessions } from './app/measure-sessions.js';
import { NotePerson } from './app/note-person.js';
import { ReadRecordings } from './app/read-recordings.js';
import { ReadReviews } from './app/read-reviews.js';
import { ReadSession } from './app/read-session.js';
import { ReconcileSessions } from './app/reconcile-sessions.js';
import { RedeemTicket } from './app/redeem-ticket.js';
import { ReadScreens } from './app/read-screens.js';
import { RecordStreams } from './app/record-streams.js';
import { RemoveAccess } from './app/remove-access.js';
import { RequestSession } from './app/request-session.js';
import { tellOddities } from './app/tell-oddities.js';
import { clusterReadiness } from './app/views/cluster.view.js';
import { onCallReadiness } from './app/views/on-call-standing.view.js';
import { isWholeLog, logReadiness } from './app/views/log-standing.view.js';
import { policyReadiness } from './app/views/policy-standing.view.js';
import { ReviewSession } from './app/review-session.js';
import { SimulatePolicy } from './app/simulate-policy.js';
import { StopSession } from './app/stop-session.js';
import { WaitForStart } from './app/wait-for-start.js';
import { TailRecordings } from './app/tail-recordings.js';
import { WatchScreen } from './app/watch-screen.js';
import type { Config } from './config/config.schema.js';
import { Humans } from './domain/humans.js';
import { lanesOfEach } from './domain/session/session.lanes.js';
import { traceFields } from './domain/traceparent.js';
import { httpSettings, tellOfCertificate } from './broker.http.js';
import { pressureOf } from './broker.pressure.js';
import { databaseReadiness } from './broker.readiness.js';
import { accountsOf, visitsOf } from './broker.visits.js';
import type { Left } from './broker.leaving.js';
import { leaveInTime } from './broker.leaving.js';
import { BypassWatch } from './bypass.watch.js';
import { databaseRefusal } from './database.refusal.js';
import { LogWorks } from './log.works.js';
import { NoticeDesk } from './notice.desk.js';
import { SlackSide } from './slack.side.js';
import { SlackVoice } from './slack.voice.js';
import { Traces } from './traces.js';
import { localAddress, portOf, unheard, Unheard } from './listening.address.js';

/** A broker that serves. */
export interface Broker {
  /** Where its API answers on this machine. */
  readonly url: string;
  /** Where `/healthz` and `/readyz` answer on this machine. */
  readonly managementUrl: string;
  /** The door to its streams. */
  readonly enter: EnterSession;
  /** Stops taking requests, finishes those under way and lets go of all. Sessions go on in their clusters. */
  stop(): Promise<void>;
  /** Goes so that nobody misses it: is not ready, serves on for a while, then stops, all in its grace (`server.*`). */
  leave(): Promise<Left>;
}

/** Why it does not serve: what an operator has to do first, as sentences. */
export interface StartRefusal {
  readonly refused: string;
}

export function isStartRefusal(outcome: Broker | StartRefusal): outcome is StartRefusal {
  return 'refused' in outcome;
}

export interface BrokerOptions {
  /** Put around the doors to the database and to the clusters, for trials that break in between. */
  readonly around?: {
    readonly store?: (inner: SessionStore) => SessionStore;
    readonly clusters?: (inner: Clusters) => Clusters;
    readonly streams?: (inner: ClusterStreams) => ClusterStreams;
    readonly recorder?: (inner: Recorder) => Recorder;
    readonly presence?: (inner: Presence) => Presence;
  };
  /** In the place of the machine's own, for trials with one that is wrong. */
  readonly machineClock?: Clock;
  /** Where the log goes, for trials that read it; standard output where left out. */
  readonly logTo?: { write(line: string): void };
}

/**
 * Node cuts small buffers from pieces of memory of this size, and each piece stays for as long as the last of its buffers
 * does: TLS keeps some bytes with every connection. Node's own 64 kB were most of what a connection took.
 */
const BUFFER_POOL_BYTES = 8 * 1024;

/**
 * Puts the broker together and starts it: the one place where ports meet their adapters.
 *
 * @returns the broker; a refusal where the policy documents are wrong, the database does not answer, its schema is
 * older than this program's, or newer than it can work with, or its role could change the audit log, or where it may not
 * listen.
 */
export async function startBroker(
  config: Config,
  options: BrokerOptions = {},
): Promise<Broker | StartRefusal> {
  await using opened = new AsyncDisposableStack();
  Buffer.poolSize = BUFFER_POOL_BYTES;
  const replica = `${hostname()}-${randomBytes(3).toString('hex')}`;
  const traces = await Traces.of(config.tracing, {
    replica,
    onDropped: (spans, why, cause) =>
      journal.warn({ spans, why, err: cause }, 'spans of traces are dropped'),
  });
  const { tracer } = traces;
  const logger = makeLogger(config.log, () => traceFields(tracer.traceparent), options.logTo);
  const journal = new PinoJournal(logger);
  const clock = new DatabaseClock({ machine: options.machineClock ?? new SystemClock(), journal });
  opened.defer(() => traces.close());

  const rotating = new RotatingFiles({ files: config.files, journal });

  const folders = WatchedFolders.of(config.policies.folders);
  if (isPolicyErrors(folders)) return { refused: folders.policyErrors.join('\n') };

  const database = new Database(
    { url: () => config.database.url.reveal(), poolSize: config.database.poolSize },
    (error) => journal.warn({ err: error }, 'a connection to the database broke'),
  );
  opened.defer(() => database.close());
  const unfit = await databaseRefusal(database);
  if (unfit !== undefined) return { refused: unfit };
  await clock.follow(() => database.urgently(() => database.pool));
  opened.defer(() => clock.stop());
  tellOfCertificate(config.tls, { clock, journal });
  const policyArchive = new PrismaPolicyArchive(database);
  const policies = new FollowPolicies({
    folders,
    archive: policyArchive,
    compile: setOfReading,
    clock,
    journal,
    replica,
  });
  const wrong = await policies.open();
  if (wrong) return { refused: wrong.policyErrors.join('\n') };

  const around = {
    store: same,
    clusters: same,
    streams: same,
    recorder: same,
    presence: same,
    ...options.around,
  };
  const news = new PrismaSessionNews(database.settings.url, journal);
  const store = around.store(
    tracedSessionStore(
      // The database tells the other replicas; this one need not wait for that.
      new PrismaSessionStore(database, (step) => {
        news.written(step.session.id, step.session.version);
        deliver.wake();
        void measure.heard(step);
      }),
      tracer,
    ),
  );
  const stopwatch = new PrometheusStopwatch();
  const measure = new MeasureSessions({ store, stopwatch, journal });
  const reviews = new PrismaReviewStore(database);
  const kubernetes = new KubernetesClusters({
    clusters: config.clusters,
    log: journal,
    stopwatch,
    tracer,
  });
  opened.defer(() => kubernetes.close());
  const clusters = around.clusters(kubernetes);
  opened.defer(() => news.close());
  await news.open();

  const bounds = config.sessions;
  const onCall = new HttpOnCall({ clock, journal, secrets: config.onCall.secrets });
  const tellOfSet = () => tellOddities({ set: policies.current(), onCall, journal, bounds });
  tellOfSet();
  policies.onSwitch(tellOfSet);
  const onCallStates = () => onCall.states(policies.current().onCallSources);
  const keptPeople = new PrismaPeople(database);
  const accounts = accountsOf(config.identity);
  await keptPeople.linked(accounts);
  const humans = new Humans(accounts);
  const people = namedPeople(keptPeople, humans);
  const notePerson = new NotePerson({ people, clock, journal });
  const presence = new PrismaPresence(database, (heard) => news.subscribePresence(heard), journal);
  const tickets = new PrismaTicketStore(database);
  const logWorks = new LogWorks({ config: config.audit, database, clock, journal, replica });
  const auditLog = logWorks.audit;
  const linkSlack = config.slack
    ? new LinkSlack({
        links: new PrismaSlackLinks(database),
        note: notePerson,
        clock,
        roleGroups: config.identity.roles,
        humans,
        rules: config.slack,
      })
    : null;
  const slackVoice = SlackVoice.of(config, {
    database,
    linkSlack,
    known: people,
    store,
    reviews,
    clock,
    journal,
    replica,
  });
  const desk = new NoticeDesk({
    config: config.notifications,
    more: slackVoice?.alarms ? [slackVoice.alarms] : [],
    publicUrl: config.server.publicUrl,
    database,
    store,
    audit: auditLog,
    watched: {
      reviews,
      parted: () => logWorks.guard.state().parted,
      isWhole: () => isWholeLog(logWorks.guard.state()),
      anchors: config.audit.anchors,
      anchorLags: () => logWorks.guard.lags(),
      sinks: logWorks.metrics().sinks,
    },
    clock,
    journal,
    replica,
  });
  const deliver = new DeliverNews({
    outbox: new PrismaOutbox(database),
    notifiers: [new LogNotifier(journal), desk.notifier, ...(slackVoice ? [slackVoice.posts] : [])],
    clock,
    journal,
  });
  const activity = new PrismaActivity(database);
  const bucket = config.recordings.s3 === null ? undefined : new S3Bodies(config.recordings.s3);
  opened.defer(() => bucket?.close());
  const recordings = new PrismaRecordingStore(
    database,
    (heard) => news.subscribeRecordings(heard),
    bucket,
    config.recordings.store === 's3',
  );
  const readScreens = new ReadScreens({
    store: recordings,
    screens: new XtermScreens(),
    decompress,
    journal,
  });
  const watchScreen = new WatchScreen({
    store,
    news,
    people,
    presence,
    live: new TailRecordings({ store: recordings, decompress }),
    roleGroups: config.identity.roles,
    clock,
    journal,
  });
  const recordStreams = new RecordStreams({
    store: recordings,
    compress,
    clock,
    journal,
    replica,
  });
  const keepRecordings = new KeepRecordings({ store, recordings, clock, journal, replica });
  const stop = new StopSession({ store, clock, journal, replica });
  const live = new LiveStreams({
    store,
    news,
    presence: around.presence(presence),
    activity,
    stop: { insist: (...args) => database.urgently(() => stop.insist(...args)) },
    clock,
    journal,
  });
  const reconcile = new ReconcileSessions({
    store,
    news,
    clock,
    journal,
    replica,
    advance: new AdvanceSession({
      store,
      clusters,
      activity,
      clock,
      bounds,
      journal,
      replica,
      sawRunning: (id) => live.sawRunning(id),
      tracer,
    }),
    lanes: lanesOfEach({
      perCluster: config.sessions.workers,
      overAll: config.sessions.allWorkers,
      clusters: config.clusters.length,
    }),
    leaseSeconds: config.sessions.leaseSeconds,
  });
  const enter = new EnterContainer({
    wait: new WaitForStart({ store, news }),
    streams: around.streams(new KubernetesStreams(kubernetes)),
    recorder: around.recorder(recordStreams),
    taps: new TarTaps(),
    live,
    clock,
    stopwatch,
    tracer,
  });
  const facts = new GatherFacts({ history: new PrismaHistory(database), onCall, clock });
  const gate = new AskGate(bounds.asksPerMinute, pressureOf(opened, database));
  const asking = new RequestSession({
    store,
    clusters,
    policies,
    facts,
    clock,
    limits: bounds,
    gate,
    tracer,
  });
  const bypassWatch = new BypassWatch({
    clusters: config.clusterAudits,
    database,
    store,
    clock,
    journal,
    replica,
  });
  const decideSession = new DecideSession({ store, people, note: notePerson, clock, bounds });
  const actOnSession = new ActOnSession({ store, clock, bounds });
  const extendSession = new ExtendSession({
    store,
    clusters,
    policies,
    facts,
    people,
    note: notePerson,
    log: auditLog,
    clock,
    limits: bounds,
    gate,
    tracer,
  });
  const listTargets = new ListTargets({ clusters: kubernetes, policies, facts });
  const acts = { requestSession: asking, decideSession, actOnSession, extendSession, listTargets };
  const slack = SlackSide.of(config, {
    ...acts,
    urgently: (work) => database.urgentlyIfFew(work),
    api: slackVoice?.api,
    linkSlack,
    clusters,
    store,
    clock,
    journal,
    tracer,
  });
  const draining = new AbortController();
  const app = await createHttpApp({
    ...acts,
    draining: draining.signal,
    urgently: (work) => database.urgentlyIfFew(work),
    stopwatch,
    readSession: new ReadSession({ store }),
    ...logWorks.uses({ store, recordings, reviews, policies: policyArchive }),
    receiveAudit: bypassWatch.receive,
    readChannels: desk.readChannels,
    testChannel: desk.testChannel,
    notePerson,
    reviewSession: new ReviewSession({ store, reviews, people, clock }),
    readReviews: new ReadReviews({ reviews, clock }),
    simulatePolicy: new SimulatePolicy({ policies, drafts: new YamlDrafts(), clock }),
    enterSession: enter,
    issueTicket: new IssueTicket({ store, tickets }),
    redeemTicket: new RedeemTicket({ tickets, roleGroups: config.identity.roles }),
    watchScreen,
    presence,
    readRecordings: new ReadRecordings({
      store,
      recordings,
      decompress,
      clock,
      journal,
    }),
    kubectl: kubectlUses({
      store,
      clusters,
      pods: new KubernetesPods(kubernetes),
      enter,
      live,
      recorder: around.recorder(recordStreams),
      presence: around.presence(presence),
      audit: auditLog,
      tokens: new PrismaKubeTokens(database),
      names: new PrismaKubeNames(database),
      policies,
      facts,
      asking,
      clock,
      tracer,
    }),
    store,
    news,
    policies,
    policyArchive,
    clusters,
    clusterStates: kubernetes,
    clock,
    journal,
    roleGroups: config.identity.roles,
    isDatabaseDown,
    logger,
    tracer,
    settings: await httpSettings(config),
    pages: new PageParts(
      visitsOf(config, { database, note: notePerson, clock, journal, humans }),
      linkSlack,
    ),
    ...(slack?.inbox ? { slackInbox: slack.inbox } : {}),
    providers: bearerStrategy(config.identity),
  });
  const management = new ManagementServer(
    [
      {
        name: 'database',
        check: () => database.urgently(() => databaseReadiness(database, journal)),
      },
      { name: 'policies', check: () => Promise.resolve(policyReadiness(policies.standing())) },
      { name: 'on-call', check: () => Promise.resolve(onCallReadiness(onCallStates())) },
      { name: 'audit', check: () => Promise.resolve(logReadiness(logWorks.guard.state())) },
      { name: 'clusters', check: () => Promise.resolve(clusterReadiness(kubernetes.health())) },
      { name: 'kubernetes-audit', check: () => Promise.resolve(bypassWatch.readiness()) },
    ],
    new PrometheusMetrics(
      {
        policies: () => policies.standing(),
        tally: () => tally(database, clock.now()),
        onCall: onCallStates,
        streams: () => live.counts(),
        recordings: () => ({ ...recordStreams.counts(), abandoned: keepRecordings.abandoned }),
        ...logWorks.metrics(),
        heard: () => bypassWatch.heard(),
        clusters: () => kubernetes.health(),
        channels: () => desk.readChannels.read(),
        slack: () => new PrismaSlackPosts(database).standing(),
        slackConnected: () => slack?.isConnected() ?? null,
        clockCorrection: () => clock.correctionSeconds,
        files: () => rotating.standing(),
        certificates: () =>
          config.tls ? [{ key: 'server.tls.certFile', validTo: config.tls.validTo }] : [],
        spans: () => traces.counts(),
      },
      stopwatch,
    ),
  );

  const { host, port, managementPort } = config.server;
  opened.defer(() => management.close());
  const managementHeard = await management.listen(managementPort, host).catch(unheard);
  if (managementHeard instanceof Unheard)
    return managementHeard.refusal('server.managementPort', managementPort);
  const removeAccess = new RemoveAccess({
    open: new PrismaOpenSessions(database),
    store,
    policies,
    clock,
    journal,
    replica,
  });
  rotating.start();
  opened.defer(() => rotating.stop());
  config.tls?.onRenewed((texts) => renewTls(app, texts));
  kubernetes.watch();
  policies.start((heard) => news.subscribePolicies(heard));
  opened.defer(() => policies.stop());
  opened.defer(policies.onSwitch(() => removeAccess.look()));
  database.urgently(() => removeAccess.start());
  opened.defer(() => removeAccess.stop());
  presence.start((id, person) => watchScreen.silent(id, person, { kind: 'system', replica }));
  opened.defer(() => presence.stop());
  await logWorks.start(opened);
  bypassWatch.start(opened);
  desk.start();
  opened.defer(() => desk.stop());
  slackVoice?.posts.start();
  opened.defer(() => slackVoice?.posts.stop());
  deliver.start();
  opened.defer(() => deliver.stop());
  if (slack) {
    slack.start();
    opened.defer(() => slack.stop());
  }
  database.urgently(() => reconcile.start());
  opened.defer(() => reconcile.stop());
  opened.defer(() => app.close());
  recordStreams.start();
  keepRecordings.start();
  readScreens.start();
  opened.defer(() => readScreens.stop());
  opened.defer(() => keepRecordings.stop());
  // After the streams, whose recordings it keeps alive.
  opened.defer(() => recordStreams.stop());
  live.start();
  opened.defer(() => live.stop());
  const heard: unknown = await app.listen(port, host).catch(unheard);
  if (heard instanceof Unheard) return heard.refusal('server.port', port);
  const drain = (): void => {
    management.drain();
    draining.abort();
  };
  opened.defer(drain);

  const running = opened.move();
  const local = localAddress(host);
  const url = `${config.server.tls ? 'https' : 'http'}://${local}:${portOf(app)}`;
  const managementUrl = `http://${local}:${managementHeard}`;
  logger.info(
    { replica, url, health: managementUrl, policySet: policies.current().hash },
    'serving',
  );
  return {
    url,
    managementUrl,
    enter,
    stop: () => running.disposeAsync(),
    leave: () =>
      leaveInTime(config.server, {
        drain,
        warn: (inSeconds) => live.warn(inSeconds),
        stop: () => running.disposeAsync(),
        journal,
      }),
  };
}

function same<T>(inner: T): T {
  return inner;
}
