import type { AuditEntry } from '../../domain/audit/entry.js';

export interface AuditRecord {
  readonly id: string;
  readonly at: Date;
  readonly action: string;
  readonly sessionId: string | null;
  /** The canonical body, parsed for reading; null where it was dropped at the end of its time. */
  readonly body: unknown;
  readonly leafHash: Buffer;
}

/** The audit log beside sessions' own steps: other acts, and reading. */
export abstract class AuditLog {
  abstract append(entry: AuditEntry): Promise<void>;
  /** Newest first; `before` is the last one of the page before. */
  abstract read(args: {
    readonly sessionId?: string;
    readonly action?: string;
    readonly before?: { readonly at: Date; readonly id: string };
    readonly limit: number;
  }): Promise<AuditRecord[]>;
}
