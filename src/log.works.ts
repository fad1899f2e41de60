import { decompress } from './adapters/gzip/gzip.js';
import type { HttpDeps } from './adapters/http/http.module.js';
import type { MetricSources } from './adapters/metrics/prometheus.metrics.js';
import type { Database } from './adapters/prisma/database.js';
import { PrismaAccessReport } from './adapters/prisma/prisma-access.report.js';
import { PrismaAuditHolds } from './adapters/prisma/prisma-audit.holds.js';
import { PrismaAuditIndex } from './adapters/prisma/prisma-audit.index.js';
import { PrismaAuditLog } from './adapters/prisma/prisma-audit.log.js';
import { PrismaAuditReviewStore } from './adapters/prisma/prisma-audit-review.store.js';
import { PrismaBreakGlassReport } from './adapters/prisma/prisma-break-glass.report.js';
import { PrismaDeadLetters } from './adapters/prisma/prisma-dead.letters.js';
import { PrismaLogRetention } from './adapters/prisma/prisma-log.retention.js';
import { PrismaLogStore } from './adapters/prisma/prisma-log.store.js';
import { PrismaSessionLog } from './adapters/prisma/prisma-session.log.js';
import { PrismaSinkStore } from './adapters/prisma/prisma-sink.store.js';
import { TarArchives } from './adapters/tar/tar.archives.js';
import { auditReviewUses } from './app/audit-review.uses.js';
import { DeliverLog } from './app/deliver-log.js';
import { HoldAudit } from './app/hold-audit.js';
import { IndexLog } from './app/index-log.js';
import type { Clock } from './app/ports/clock.js';
import type { Journal } from './app/ports/journal.js';
import type { PolicyArchive } from './app/ports/policy.archive.js';
import type { RecordingStore } from './app/ports/recording.store.js';
import type { ReviewStore } from './app/ports/review.store.js';
import type { SessionStore } from './app/ports/session.store.js';
import { ReadLog } from './app/read-log.js';
import { ReadAudit } from './app/read-session.js';
import { ReportAccess } from './app/report-access.js';
import { ReportBreakGlass } from './app/report-break-glass.js';
import { RetainLog } from './app/retain-log.js';
import { SearchAudit } from './app/search-audit.js';
import { TakeEvidence } from './app/take-evidence.js';
import { TendSinks } from './app/tend-sinks.js';
import type { AuditConfig } from './config/audit.section.js';
import { LogGuard } from './log.guard.js';
import { sinkOf } from './log.sinks.js';

/** The audit log whole: what keeps it and watches over it, what finds in it, and what takes it elsewhere. */
export class LogWorks {
  readonly audit: PrismaAuditLog;
  readonly guard: LogGuard;
  private readonly store: PrismaLogStore;
  private readonly index: PrismaAuditIndex;
  private readonly indexLog: IndexLog;
  private readonly retainLog: RetainLog;
  private readonly cursors: PrismaSinkStore;
  private readonly letters: PrismaDeadLetters;
  private readonly deliverLog: DeliverLog;

  constructor(
    private readonly deps: {
      readonly config: AuditConfig;
      readonly database: Database;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
    },
  ) {
    const { config, database, clock, journal, replica } = deps;
    const { sinks, anchors } = config;
    const common = { clock, journal, replica };
    this.audit = new PrismaAuditLog(database);
    this.store = new PrismaLogStore(database);
    this.index = new PrismaAuditIndex(database);
    this.indexLog = new IndexLog({ index: this.index, journal });
    const { audit, store, indexLog } = this;
    const guard = new LogGuard({
      ...common,
      isFiled: () => indexLog.isDone(),
      config,
      database,
      store,
      audit,
    });
    this.guard = guard;
    this.retainLog = new RetainLog({
      ...common,
      retention: new PrismaLogRetention(database),
      keepDays: config.retention?.keepDays,
      sinks: sinks.map(({ name }) => name),
      anchors: anchors.map(({ name }) => name),
      isHeld: () => {
        const { parted, waitsFor } = guard.state();
        return parted !== undefined || waitsFor.length > 0;
      },
    });
    this.cursors = new PrismaSinkStore(database);
    this.letters = new PrismaDeadLetters(database);
    const { cursors, letters } = this;
    this.deliverLog = new DeliverLog({
      ...common,
      sinks: sinks.map(sinkOf),
      cursors,
      letters,
      log: store,
    });
  }

  /** What people may do with it. */
  uses(of: {
    readonly store: SessionStore;
    readonly recordings: RecordingStore;
    readonly reviews: ReviewStore;
    readonly policies: PolicyArchive;
  }): LogUses {
    const { config, database, clock } = this.deps;
    const { audit, store: log, index, cursors, letters, guard } = this;
    const { store, recordings, reviews, policies } = of;
    const auditReviews = new PrismaAuditReviewStore(database);
    return {
      readAudit: new ReadAudit({ log: audit, clock }),
      searchAudit: new SearchAudit({ index, log: audit, clock }),
      reportAccess: new ReportAccess({
        report: new PrismaAccessReport(database),
        log: audit,
        clock,
      }),
      reportBreakGlass: new ReportBreakGlass({
        report: new PrismaBreakGlassReport(database),
        reviews,
        auditReviews,
        log: audit,
        clock,
      }),
      auditReviews: auditReviewUses({ reviews: auditReviews, index, store, clock }),
      tendSinks: new TendSinks({ sinks: config.sinks, cursors, letters, clock }),
      holdAudit: new HoldAudit({ holds: new PrismaAuditHolds(database), store, clock }),
      takeEvidence: new TakeEvidence({
        store,
        recordings,
        reviews,
        policies,
        sessionLog: new PrismaSessionLog(database),
        audit,
        log,
        archives: new TarArchives(),
        decompress,
        clock,
        ...config,
      }),
      readLog: new ReadLog({
        store: log,
        audit,
        clock,
        onHead: (head) => guard.see(head),
        ...config,
      }),
    };
  }

  metrics(): Pick<MetricSources, 'audit' | 'anchorLags' | 'retained' | 'sinks'> {
    const names = this.deps.config.sinks.map(({ name }) => name);
    return {
      audit: () => this.guard.state(),
      anchorLags: () => this.guard.lags(),
      retained: () => this.retainLog.counts(),
      sinks: () => this.cursors.standings(names),
    };
  }

  /** Begins all of it; what must be ended goes on the stack, the last first. */
  async start(opened: AsyncDisposableStack): Promise<void> {
    await this.guard.start();
    opened.defer(() => this.guard.stop());
    for (const work of [this.indexLog, this.retainLog, this.deliverLog]) {
      work.start();
      opened.defer(() => work.stop());
    }
  }
}

type LogUses = Pick<
  HttpDeps,
  | 'readAudit'
  | 'searchAudit'
  | 'reportAccess'
  | 'reportBreakGlass'
  | 'auditReviews'
  | 'tendSinks'
  | 'holdAudit'
  | 'takeEvidence'
  | 'readLog'
>;
