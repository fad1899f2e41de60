import { FileAnchor } from './adapters/anchors/file.anchor.js';
import { LogAnchor } from './adapters/anchors/log.anchor.js';
import { S3Anchor } from './adapters/s3/s3.anchor.js';
import { WebhookAnchor } from './adapters/anchors/webhook.anchor.js';
import type { Database } from './adapters/prisma/database.js';
import { PrismaAnchorCursors } from './adapters/prisma/prisma-anchor.cursors.js';
import { PrismaLogInspection } from './adapters/prisma/prisma-log.inspection.js';
import { AnchorLog } from './app/anchor-log.js';
import { CompareAnchors } from './app/compare-anchors.js';
import { InspectLog } from './app/inspect-log.js';
import type { Anchor } from './app/ports/anchor.js';
import type { AuditLog } from './app/ports/audit.log.js';
import type { Clock } from './app/ports/clock.js';
import type { Journal } from './app/ports/journal.js';
import type { LogStore, SignedHead } from './app/ports/log.store.js';
import { SequenceLog } from './app/sequence-log.js';
import { TellLog } from './app/tell-log.js';
import type { AuditState } from './app/views/log-standing.view.js';
import type { AnchorConfig } from './config/anchors.section.js';
import type { AuditConfig } from './config/audit.section.js';

/** The sequencer and what watches over the log, started and stopped in their order. */
export class LogGuard {
  private readonly sequence: SequenceLog;
  private readonly tell: TellLog;
  private readonly anchorLog: AnchorLog;
  private readonly compare: CompareAnchors;
  private readonly inspect: InspectLog;
  private readonly anchors: readonly Anchor[];

  constructor(args: {
    readonly config: AuditConfig;
    readonly database: Database;
    readonly store: LogStore;
    readonly audit: AuditLog;
    readonly clock: Clock;
    readonly journal: Journal;
    readonly replica: string;
    /** Whether all that had its place before can be found. */
    readonly isFiled: () => boolean;
  }) {
    const { config, database, store, audit, clock, journal, replica } = args;
    const { origin, signers, formerKeys } = config;
    const verifiers = [...signers.map(({ verifier }) => verifier), ...formerKeys];
    const keys = signers.map(({ verifier }) => verifier.id);
    this.tell = new TellLog({ audit, clock, journal, replica, origin, keys });
    const sequence = new SequenceLog({
      store,
      origin,
      signers,
      formerKeys,
      everyMs: config.everyMilliseconds,
      clock,
      journal,
      isHeld: () => this.compare.waitsFor().length > 0,
      onParted: (parted) => void this.tell.parted(parted),
    });
    this.sequence = sequence;
    this.anchors = config.anchors.map((it) => anchorOf(it, journal));
    const { anchors } = this;
    const cursors = new PrismaAnchorCursors(database);
    const common = { anchors, cursors, store, sequence, origin, journal, verifiers };
    this.compare = new CompareAnchors({ ...common, clock });
    this.anchorLog = new AnchorLog({ ...common, compare: this.compare });
    const inspection = new PrismaLogInspection(database);
    this.inspect = new InspectLog({
      store,
      inspection,
      sequence,
      journal,
      isFiled: args.isFiled,
      onMisfiled: (misfiled) => void this.tell.misfiled(misfiled),
    });
  }

  /** Nothing is signed, and nothing put by, before each anchor was compared once. */
  async start(): Promise<void> {
    await this.tell.started();
    this.compare.start();
    this.sequence.start();
    this.anchorLog.start();
    this.inspect.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.inspect.stop(), this.anchorLog.stop(), this.compare.stop()]);
    await this.tell.stopped(this.sequence);
    await this.sequence.stop();
    for (const anchor of this.anchors) if (anchor instanceof S3Anchor) anchor.close();
  }

  /** Takes note of a checkpoint that is given to somebody: nothing is signed any more that does not go on from it. */
  see(head: SignedHead): void {
    this.sequence.see(head);
  }

  /** What is known here of the log, for metrics and readiness. */
  state(): AuditState {
    return {
      parted: this.sequence.parted(),
      waitsFor: this.compare.waitsFor(),
      inspected: this.inspect.counts(),
      anchors: this.compare.standings().map(({ name, comparedAt, failures, foreign }) => ({
        name,
        comparedAt,
        foreign,
        failures: failures + (this.anchorLog.failures().get(name) ?? 0),
      })),
    };
  }

  lags(): ReturnType<AnchorLog['lags']> {
    return this.anchorLog.lags();
  }
}

/** The anchor that the configuration describes. */
export function anchorOf(config: AnchorConfig, journal: Journal): Anchor {
  switch (config.kind) {
    case 'file':
      return new FileAnchor(config);
    case 's3':
      return new S3Anchor(config);
    case 'webhook':
      return new WebhookAnchor(config);
    case 'log':
      return new LogAnchor({ ...config, journal });
  }
}
