import type { AuditEntry } from '../../domain/audit/entry.js';
import { auditColumns } from './session.rows.js';
import { RECORDING_CHANNEL } from './session.sql.js';

/** The audit entry of a statement, written where `from` gives a row. `n` is the number of its parameter. */
export function audited(from: string, n: number): string {
  return `INSERT INTO audit_events SELECT j.* FROM ${from}, jsonb_populate_record(NULL::audit_events, $${n}::jsonb) j`;
}

/** The value of that parameter. */
export function entryOf(audit: AuditEntry): string {
  return JSON.stringify(auditColumns({ audit }));
}

/** How many rows `from` has, and the news of them for all replicas. */
export function told(from: string): string {
  return `SELECT count(*)::int AS written, count(pg_notify('${RECORDING_CHANNEL}', ${from}.session_id)) FROM ${from}`;
}
