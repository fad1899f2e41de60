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

/**
 * Adds so many chunks of a recording (1), at least one, each with its number, time, size and digest, and its bytes where they are kept
 * here. Gives whether it is open, how many were written and how many were there before, with the same digest.
 */
export function appending(chunks: number, withBytes: boolean): string {
  const columns = withBytes ? 5 : 4;
  const types = ['int', 'bigint', 'int', 'bytea', 'bytea'].slice(0, columns);
  const values = Array.from(
    { length: chunks },
    (_, at) => `(${types.map((type, n) => `$${2 + at * columns + n}::${type}`).join(', ')})`,
  );
  const bodies = `, b AS (INSERT INTO recording_bodies SELECT $1, n.seq, n.bytes FROM n JOIN c USING (seq) RETURNING 1)`;
  return `WITH r AS MATERIALIZED (SELECT session_id FROM recordings WHERE id = $1 AND ended_at IS NULL FOR SHARE),
       n (seq, until_ms, size, digest${withBytes ? ', bytes' : ''}) AS (VALUES ${values.join(', ')}),
       c AS (
         INSERT INTO recording_chunks SELECT $1, n.seq, n.until_ms, n.size, n.digest FROM n, r
         WHERE NOT EXISTS (SELECT FROM n JOIN recording_chunks k USING (seq) WHERE k.recording_id = $1 AND k.digest <> n.digest)
         ON CONFLICT DO NOTHING RETURNING seq
       )${withBytes ? bodies : ''}
       SELECT EXISTS (SELECT FROM r) AS "isOpen", (SELECT count(*)::int FROM c) AS written,
         (SELECT count(pg_notify('${RECORDING_CHANNEL}', session_id)) FROM r),
         (SELECT count(*)::int FROM n JOIN recording_chunks k USING (seq, digest) WHERE k.recording_id = $1) AS same`;
}

/** How many chunks a recording (1) had when it ended, and the last one's digest, by the audit log. */
export const SEALED = `
  SELECT (j #>> '{data,chunks}')::int AS chunks, decode(j #>> '{data,digest}', 'hex') AS digest
  FROM (
    SELECT convert_from(a.body, 'UTF8')::json AS j FROM audit_events a JOIN recordings r USING (session_id)
    WHERE r.id = $1 AND a.action IN ('recording.finished', 'recording.abandoned')
  ) ends WHERE j #>> '{data,recording}' = $1`;
