import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';

/** What has to be kept beyond its time: of a session, of a time, of both, or all where neither is said. */
export interface AuditHold {
  readonly id: string;
  readonly session: string | null;
  /** This instant and later. */
  readonly from: Date | null;
  /** Earlier than this instant. */
  readonly until: Date | null;
  readonly reason: string;
  readonly ticket: string | null;
  readonly by: Pick<Person, 'iss' | 'sub'>;
  readonly at: Date;
}

/** The holds that stand. */
export abstract class AuditHolds {
  /** The newest first. */
  abstract standing(limit: number): Promise<AuditHold[]>;
  abstract find(id: string): Promise<AuditHold | undefined>;
  /** Places it, and writes the event of it. */
  abstract place(hold: AuditHold, audit: AuditEntry): Promise<void>;
  /** @returns whether it stood until now; the event is written where it did. */
  abstract release(id: string, at: Date, audit: AuditEntry): Promise<boolean>;
}
