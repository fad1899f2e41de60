import { LocalAuditFiles } from './adapters/files/audit.files.js';
import type { Database } from './adapters/prisma/database.js';
import { PrismaBypassStore } from './adapters/prisma/prisma-bypass.store.js';
import { DetectBypass } from './app/detect-bypass.js';
import { FollowAuditFile } from './app/follow-audit-file.js';
import type { HeardCluster } from './app/heard-clusters.js';
import { heardReadiness } from './app/views/heard-clusters.view.js';
import type { Clock } from './app/ports/clock.js';
import type { Journal } from './app/ports/journal.js';
import type { SessionStore } from './app/ports/session.store.js';
import { ReceiveAudit } from './app/receive-audit.js';
import type { ClusterAudit } from './config/cluster.audits.js';

/** Who looks for what goes past the broker, in what API servers tell of themselves. */
export class BypassWatch {
  readonly receive: ReceiveAudit;
  private readonly detect: DetectBypass;
  private readonly bypasses: PrismaBypassStore;
  private readonly startedAt: Date;

  constructor(
    private readonly deps: {
      readonly clusters: readonly ClusterAudit[];
      readonly database: Database;
      readonly store: SessionStore;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
    },
  ) {
    const { clusters, database, store, clock, journal, replica } = deps;
    this.bypasses = new PrismaBypassStore(database);
    this.startedAt = clock.now();
    this.detect = new DetectBypass({ store, bypasses: this.bypasses, clock, journal, replica });
    this.receive = new ReceiveAudit({
      detect: this.detect,
      clusters: clusters.flatMap(({ name, account, impersonates, token }) =>
        token === null ? [] : [{ name, account, impersonates, token: () => token.reveal() }],
      ),
    });
  }

  /** Of each cluster that is to be heard of. */
  heard(): readonly HeardCluster[] {
    return this.detect.heard.of(this.deps.clusters.map(({ name }) => name));
  }

  readiness(): ReturnType<typeof heardReadiness> {
    return heardReadiness(this.heard(), {
      startedAt: this.startedAt,
      now: this.deps.clock.now(),
    });
  }

  start(opened: AsyncDisposableStack): void {
    for (const { name, account, impersonates, logFile } of this.deps.clusters) {
      if (logFile === null) continue;
      const follow = new FollowAuditFile({
        cluster: { name, account, impersonates },
        path: logFile,
        files: new LocalAuditFiles(),
        bypasses: this.bypasses,
        detect: this.detect,
        journal: this.deps.journal,
      });
      follow.start();
      opened.defer(() => follow.stop());
    }
  }
}
