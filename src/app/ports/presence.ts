import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';
import type { SessionId } from '../../domain/session/session.js';

/** Somebody who is watching a session at this moment, on whichever replica. */
export interface Watching {
  readonly id: string;
  readonly person: Person;
  readonly since: Date;
}

/** Somebody who comes to watch, with what the audit log has of it. */
export interface Visit {
  readonly session: SessionId;
  readonly person: Person;
  /** Made when they come; anew where they were taken for gone meanwhile and are here after all. */
  readonly came: () => AuditEntry;
  /** Made when they leave. */
  readonly left: () => AuditEntry;
}

/** Who watches what, among all replicas. Whoever stays silent for a while (a dead replica's watchers) is gone. */
export abstract class Presence {
  /** Those watching now, in the order in which they came. */
  abstract watching(session: SessionId): Promise<readonly Watching[]>;
  /**
   * Begins; the returned function ends it. Kept up until then. Both are written in one transaction with their audit
   * entry, and told to all replicas at once. Where the end cannot be written, they fall silent, which is written later.
   */
  abstract join(visit: Visit): Promise<() => Promise<void>>;
  /** Calls `heard` when somebody comes or goes, on any replica; news may be lost, so look now and then too. */
  abstract subscribe(heard: (session: SessionId) => void): () => void;
}
