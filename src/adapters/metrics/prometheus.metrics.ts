import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { HeardCluster } from '../../app/heard-clusters.js';
import type { PolicyStanding } from '../../app/follow-policies.js';
import type { StreamCounts } from '../../app/live-streams.js';
import type { RecordingCounts } from '../../app/record-streams.js';
import type { AnchorLag } from '../../app/ports/anchor.js';
import type { OnCallSourceState } from '../../app/ports/on-call.js';
import type { AuditState } from '../../app/views/log-standing.view.js';
import type { ChannelView } from '../../contract/channel.schema.js';
import type { SinkStanding } from '../../app/ports/sink.store.js';
import type { SlackStanding } from '../../app/ports/slack.posts.js';
import type { Tally } from '../../app/ports/tally.js';
import type { ClusterHealth } from '../../domain/cluster.health.js';
import { takeClusters } from './cluster.gauges.js';
import type { Metric } from './metric.js';
import { METRICS } from './metric.catalogue.js';
import { PrometheusStopwatch } from './prometheus.stopwatch.js';

/** What became of spans. */
export interface SpansTold {
  readonly sent: number;
  readonly dropped: Readonly<Record<string, number>>;
}

const TALLY_MS_MAX = 2_000;

/** Where the numbers are asked for when somebody looks. */
export interface MetricSources {
  readonly policies: () => PolicyStanding;
  readonly tally: () => Promise<Tally>;
  /** Of the sources in force, as far as they were asked. */
  readonly onCall: () => readonly OnCallSourceState[];
  readonly streams: () => StreamCounts;
  /** Of this replica. */
  readonly recordings: () => RecordingCounts & { readonly abandoned: number };
  readonly audit: () => AuditState;
  readonly retained: () => {
    readonly dropped: number;
    readonly failures: number;
    readonly completedAt: Date | null;
  };
  /** Whose API servers' audit logs are looked at. */
  readonly heard: () => readonly HeardCluster[];
  /** As this replica knows them. */
  readonly clusters: () => readonly ClusterHealth[];
  readonly anchorLags: () => Promise<readonly AnchorLag[]>;
  /** Where the audit log is delivered to. */
  readonly sinks: () => Promise<readonly SinkStanding[]>;
  /** Where people are told. */
  readonly channels: () => Promise<readonly ChannelView[]>;
  /** Its messages that are kept true. */
  readonly slack: () => Promise<SlackStanding>;
  /** Whether this replica is connected to Slack; null where it is not to be. */
  readonly slackConnected: () => boolean | null;
  /** How far the database's clock is ahead of this machine's, in seconds. */
  readonly clockCorrection: () => number;
  /** Of files that the configuration names. */
  readonly files: () => readonly {
    readonly key: string;
    readonly renewed: number;
    readonly isUsed: boolean;
  }[];
  /** Of our own: what is served with. */
  readonly certificates: () => readonly { readonly key: string; readonly validTo: Date }[];
  /** What became of the spans of this replica; null where none are made. */
  readonly spans: () => SpansTold | null;
}

/** What this replica tells Prometheus, at the moment of asking. */
export class PrometheusMetrics {
  private readonly registry = new Registry();
  private failuresTold = 0;

  constructor(
    private readonly sources: MetricSources,
    private readonly stopwatch: PrometheusStopwatch,
  ) {
    collectDefaultMetrics({ register: this.registry });
  }

  private readonly gauges = {
    setInfo: this.gauge(METRICS.setInfo),
    setActivated: this.gauge(METRICS.setActivated),
    folderDiffers: this.gauge(METRICS.folderDiffers),
    blocked: this.gauge(METRICS.blocked),
    sessions: this.gauge(METRICS.sessions),
    databaseUp: this.gauge(METRICS.databaseUp),
    sessionsPast: this.gauge(METRICS.sessionsPast),
    pastSeconds: this.gauge(METRICS.pastSeconds),
    unsequenced: this.gauge(METRICS.unsequenced),
    unsequencedSeconds: this.gauge(METRICS.unsequencedSeconds),
    checkpointAge: this.gauge(METRICS.checkpointAge),
    reviewsOpen: this.gauge(METRICS.reviewsOpen),
    reviewsOverdue: this.gauge(METRICS.reviewsOverdue),
    onCallUp: this.gauge(METRICS.onCallUp),
    onCallSuccess: this.gauge(METRICS.onCallSuccess),
    streamsOpen: this.gauge(METRICS.streamsOpen),
    recordingsOpen: this.gauge(METRICS.recordingsOpen),
    auditParted: this.gauge(METRICS.auditParted),
    auditWaits: this.gauge(METRICS.auditWaits),
    anchorLagEvents: this.gauge(METRICS.anchorLagEvents),
    anchorLagSeconds: this.gauge(METRICS.anchorLagSeconds),
    anchorCompared: this.gauge(METRICS.anchorCompared),
    auditRetained: this.gauge(METRICS.auditRetained),
    kubeAuditHeard: this.gauge(METRICS.kubeAuditHeard),
    anchorForeign: this.gauge(METRICS.anchorForeign),
    sinkLagEvents: this.gauge(METRICS.sinkLagEvents),
    sinkLagSeconds: this.gauge(METRICS.sinkLagSeconds),
    noticesWaiting: this.gauge(METRICS.noticesWaiting),
    noticeLagSeconds: this.gauge(METRICS.noticeLagSeconds),
    noticesDead: this.gauge(METRICS.noticesDead),
    channelUp: this.gauge(METRICS.channelUp),
    slackDue: this.gauge(METRICS.slackDue),
    slackDueSeconds: this.gauge(METRICS.slackDueSeconds),
    slackGone: this.gauge(METRICS.slackGone),
    slackConnected: this.gauge(METRICS.slackConnected),
    sinkDeadLetters: this.gauge(METRICS.sinkDeadLetters),
    clockCorrection: this.gauge(METRICS.clockCorrection),
    fileUnused: this.gauge(METRICS.fileUnused),
    certificateExpiry: this.gauge(METRICS.certificateExpiry),
    clusterUp: this.gauge(METRICS.clusterUp),
    clusterAnswerAge: this.gauge(METRICS.clusterAnswerAge),
    clusterUnsupported: this.gauge(METRICS.clusterUnsupported),
    clusterCredentialsRefused: this.gauge(METRICS.clusterCredentialsRefused),
  };
  private readonly filesRenewed = this.counter(METRICS.filesRenewed);
  private readonly streamsOpened = this.counter(METRICS.streamsOpened);
  private readonly streamBytes = this.counter(METRICS.streamBytes);
  private readonly recorded = {
    chunks: this.counter(METRICS.recordingChunks),
    storedBytes: this.counter(METRICS.recordingBytes),
    failures: this.counter(METRICS.recordingFailures),
    abandoned: this.counter(METRICS.recordingsAbandoned),
  };
  private readonly audited = {
    inspected: this.counter(METRICS.auditInspected),
    passes: this.counter(METRICS.auditPasses),
    anchorFailures: this.counter(METRICS.anchorFailures),
    dropped: this.counter(METRICS.auditDropped),
    dropFailures: this.counter(METRICS.auditDropFailures),
    misfiled: this.counter(METRICS.auditMisfiled),
  };
  private readonly spans = {
    sent: this.counter(METRICS.spansSent),
    dropped: this.counter(METRICS.spansDropped),
  };
  private readonly kubeAudited = {
    bypasses: this.counter(METRICS.bypasses),
    events: this.counter(METRICS.kubeAuditEvents),
    busy: this.counter(METRICS.kubeAuditBusy),
  };
  private readonly loadFailures = new Counter({
    name: METRICS.loadFailures.name,
    help: METRICS.loadFailures.help,
    registers: [this.registry],
  });

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics in Prometheus' text format. What the database does not tell in time is left out. */
  async text(): Promise<string> {
    this.takePolicies(this.sources.policies());
    this.takeOnCall(this.sources.onCall());
    this.takeStreams(this.sources.streams());
    this.takeRecordings(this.sources.recordings());
    this.takeAudit(this.sources.audit());
    this.takeHeard(this.sources.heard());
    this.takeFiles();
    this.takeSpans(this.sources.spans());
    takeClusters(this.gauges, this.sources.clusters(), Date.now());
    await Promise.all([
      this.takeTally(),
      this.takeLags(),
      this.takeSinks(),
      this.takeChannels(),
      this.takeSlack(),
    ]);
    const [told, took] = await Promise.all([this.registry.metrics(), this.stopwatch.text()]);
    return told + took;
  }

  private takePolicies({ inForce, folder, failures, isBlocked }: PolicyStanding): void {
    const { setInfo, setActivated, folderDiffers, blocked } = this.gauges;
    setInfo.reset();
    setInfo.set({ hash: inForce.hash }, 1);
    setActivated.set(inForce.at.getTime() / 1000);
    folderDiffers.set(folder === 'force' ? 0 : 1);
    blocked.set(isBlocked ? 1 : 0);
    this.loadFailures.inc(failures - this.failuresTold);
    this.failuresTold = failures;
  }

  private takeOnCall(sources: readonly OnCallSourceState[]): void {
    const { onCallUp, onCallSuccess } = this.gauges;
    onCallUp.reset();
    onCallSuccess.reset();
    for (const { name: source, lastSuccessAt, lastError } of sources) {
      // One that is being asked for the first time has neither.
      if (lastSuccessAt || lastError !== null) onCallUp.set({ source }, lastError === null ? 1 : 0);
      if (lastSuccessAt) onCallSuccess.set({ source }, lastSuccessAt.getTime() / 1000);
    }
  }

  /** Counted where they pass; told as they stand. */
  private takeStreams(counts: StreamCounts): void {
    this.streamsOpened.reset();
    this.streamBytes.reset();
    for (const [kind, { open, opened, bytesIn, bytesOut }] of Object.entries(counts)) {
      this.gauges.streamsOpen.set({ kind }, open);
      this.streamsOpened.inc({ kind }, opened);
      this.streamBytes.inc({ kind, direction: 'in' }, bytesIn);
      this.streamBytes.inc({ kind, direction: 'out' }, bytesOut);
    }
  }

  private takeRecordings(counts: RecordingCounts & { readonly abandoned: number }): void {
    const { chunks, storedBytes, failures, abandoned } = this.recorded;
    this.gauges.recordingsOpen.set(counts.open);
    for (const counter of Object.values(this.recorded)) counter.reset();
    chunks.inc(counts.chunks);
    storedBytes.inc(counts.storedBytes);
    failures.inc(counts.failures);
    abandoned.inc(counts.abandoned);
  }

  private takeAudit({ parted, waitsFor, inspected, anchors }: AuditState): void {
    this.gauges.auditParted.set(parted ? 1 : 0);
    this.gauges.auditWaits.set(waitsFor.length);
    this.gauges.anchorCompared.reset();
    for (const counter of Object.values(this.audited)) counter.reset();
    this.audited.inspected.inc(inspected.events);
    this.audited.passes.inc(inspected.passes);
    const retained = this.sources.retained();
    this.audited.dropped.inc(retained.dropped);
    this.audited.dropFailures.inc(retained.failures);
    this.gauges.auditRetained.remove();
    if (retained.completedAt) this.gauges.auditRetained.set(retained.completedAt.getTime() / 1000);
    this.audited.misfiled.inc(inspected.misfiled);
    for (const { name: anchor, comparedAt, failures, foreign } of anchors) {
      this.gauges.anchorForeign.set({ anchor }, foreign);
      this.audited.anchorFailures.inc({ anchor }, failures);
      if (comparedAt) this.gauges.anchorCompared.set({ anchor }, comparedAt.getTime() / 1000);
    }
  }

  private takeHeard(clusters: readonly HeardCluster[]): void {
    const { bypasses, events, busy } = this.kubeAudited;
    for (const counter of Object.values(this.kubeAudited)) counter.reset();
    for (const { name: cluster, heardAt, ...counts } of clusters) {
      bypasses.inc({ cluster }, counts.bypasses);
      busy.inc({ cluster }, counts.busy);
      events.inc({ cluster, outcome: 'read' }, counts.read);
      events.inc({ cluster, outcome: 'unreadable' }, counts.unreadable);
      if (heardAt) this.gauges.kubeAuditHeard.set({ cluster }, heardAt.getTime() / 1000);
    }
  }

  private takeSpans(told: SpansTold | null): void {
    const { sent, dropped } = this.spans;
    for (const counter of Object.values(this.spans)) counter.reset();
    sent.inc(told?.sent ?? 0);
    for (const [why, spans] of Object.entries(told?.dropped ?? {})) dropped.inc({ why }, spans);
  }

  private async takeLags(): Promise<void> {
    const { anchorLagEvents, anchorLagSeconds } = this.gauges;
    const lags = await inTime(this.sources.anchorLags());
    anchorLagEvents.reset();
    anchorLagSeconds.reset();
    for (const { name: anchor, events, seconds } of lags ?? []) {
      anchorLagEvents.set({ anchor }, events);
      anchorLagSeconds.set({ anchor }, seconds);
    }
  }

  private takeFiles(): void {
    this.gauges.clockCorrection.set(this.sources.clockCorrection());
    this.filesRenewed.reset();
    for (const { key, renewed, isUsed } of this.sources.files()) {
      this.gauges.fileUnused.set({ key }, isUsed ? 0 : 1);
      this.filesRenewed.inc({ key }, renewed);
    }
    for (const { key, validTo } of this.sources.certificates()) {
      this.gauges.certificateExpiry.set({ key }, validTo.getTime() / 1000);
    }
  }

  private async takeTally(): Promise<void> {
    const { databaseUp, sessions, reviewsOpen, reviewsOverdue, ...gauges } = this.gauges;
    const { sessionsPast, pastSeconds, unsequenced, unsequencedSeconds, checkpointAge } = gauges;
    const counted = [reviewsOpen, reviewsOverdue, sessionsPast, pastSeconds].concat([
      unsequenced,
      unsequencedSeconds,
      checkpointAge,
    ]);
    const tally = await inTime(this.sources.tally());
    databaseUp.set(tally ? 1 : 0);
    sessions.reset();
    for (const gauge of counted) gauge.remove();
    if (!tally) return;
    for (const [state, count] of Object.entries(tally.sessions)) sessions.set({ state }, count);
    reviewsOpen.set(tally.reviewsOpen);
    reviewsOverdue.set(tally.reviewsOverdue);
    sessionsPast.set(tally.past.sessions);
    pastSeconds.set(tally.past.seconds);
    unsequenced.set(tally.unsequenced.events);
    unsequencedSeconds.set(tally.unsequenced.seconds);
    if (tally.checkpointAgeSeconds !== null) checkpointAge.set(tally.checkpointAgeSeconds);
  }

  private async takeChannels(): Promise<void> {
    const { noticesWaiting, noticeLagSeconds, noticesDead, channelUp } = this.gauges;
    const channels = (await inTime(this.sources.channels())) ?? [];
    for (const gauge of [noticesWaiting, noticeLagSeconds, noticesDead, channelUp]) gauge.reset();
    for (const { name: channel, state, waiting, oldestSeconds, dead } of channels) {
      noticesWaiting.set({ channel }, waiting);
      noticeLagSeconds.set({ channel }, oldestSeconds);
      noticesDead.set({ channel }, dead);
      channelUp.set({ channel }, state === 'up' ? 1 : 0);
    }
  }

  private async takeSinks(): Promise<void> {
    const { sinkLagEvents, sinkLagSeconds, sinkDeadLetters } = this.gauges;
    const standings = (await inTime(this.sources.sinks())) ?? [];
    for (const gauge of [sinkLagEvents, sinkLagSeconds, sinkDeadLetters]) gauge.reset();
    for (const { name: sink, lagEvents, lagSeconds, deadLetters } of standings) {
      sinkLagEvents.set({ sink }, lagEvents);
      sinkLagSeconds.set({ sink }, lagSeconds);
      sinkDeadLetters.set({ sink }, deadLetters);
    }
  }

  private async takeSlack(): Promise<void> {
    const { slackDue, slackDueSeconds, slackGone, slackConnected } = this.gauges;
    const isConnected = this.sources.slackConnected();
    if (isConnected === null) slackConnected.remove();
    else slackConnected.set(isConnected ? 1 : 0);
    const standing = await inTime(this.sources.slack());
    for (const gauge of [slackDue, slackDueSeconds, slackGone]) gauge.remove();
    if (!standing) return;
    slackDue.set(standing.due);
    slackDueSeconds.set(standing.dueSeconds);
    slackGone.set(standing.gone);
  }

  private counter({ name, help, labels }: Metric): Counter {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  private gauge({ name, help, labels }: Metric): Gauge {
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] });
  }
}

/** What comes within {@link TALLY_MS_MAX}; whether the database answers is told by readiness. */
async function inTime<Told>(counted: Promise<Told>): Promise<Told | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), TALLY_MS_MAX);
  try {
    return await Promise.race([counted.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
