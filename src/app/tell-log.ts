import type { AuditFacts } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import type { EventAction } from '../domain/audit/event.kinds.js';
import type { MisfiledEvent } from './inspect-log.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Clock } from './ports/clock.js';
import type { Journal } from './ports/journal.js';
import type { SequenceLog, Parted } from './sequence-log.js';

/** Tells in the log itself when a replica begins and ends to write and sign it, and that it was found changed. */
export class TellLog {
  constructor(
    private readonly deps: {
      readonly audit: AuditLog;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
      readonly origin: string;
      /** The ids of the keys that sign. */
      readonly keys: readonly string[];
    },
  ) {}

  /** Throws where it cannot be written: what cannot be told is not begun. */
  async started(): Promise<void> {
    await this.append('log.started', 'success', {});
  }

  async stopped(sequence: Pick<SequenceLog, 'parted'>): Promise<void> {
    const parted = sequence.parted();
    await this.tried('log.stopped', 'success', parted ? { parted: parted.why } : {});
  }

  /** It waits for its place until somebody has looked: it is in the database all the same. */
  async parted({ why, since }: Parted): Promise<void> {
    await this.tried('log.parted', 'failure', { why, since: since.toISOString() });
  }

  /** What it holds is signed all the same: only searches went past it. */
  async misfiled({ eventId, index, isMissing, isPastTime }: MisfiledEvent): Promise<void> {
    const how = { missing: isMissing, pastTime: isPastTime };
    await this.tried('log.misfiled', 'failure', { event: eventId, index, ...how });
  }

  private async tried(...args: Parameters<TellLog['append']>): Promise<void> {
    try {
      await this.append(...args);
    } catch (error) {
      this.deps.journal.warn({ err: error, action: args[0] }, 'an audit event cannot be written');
    }
  }

  private async append(
    action: EventAction,
    outcome: AuditFacts['outcome'],
    more: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { audit, clock, replica, origin, keys } = this.deps;
    await audit.append(
      auditEntry({
        at: clock.now(),
        action,
        outcome,
        actor: { kind: 'system', replica },
        data: { origin, keys, ...more },
      }),
    );
  }
}
