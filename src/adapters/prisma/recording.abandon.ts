import type { RecordingInfo, RecordingStore } from '../../app/ports/recording.store.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import { invariant } from '../../domain/problem.js';
import type { RecordingId } from '../../domain/recording/recording.js';
import type { Database } from './database.js';
import type { RecordingRow } from './recording.rows.js';
import { RECORDING_COLUMNS, WITH_CHUNKS, recordingOf } from './recording.rows.js';
import { audited, entryOf, told } from './recording.sql.js';
import { inTransaction } from './transaction.js';

/** Ends a recording that is open and silent, with its chunks counted when none can come any more. */
export function abandonRecording(
  database: Database,
  id: RecordingId,
  silentSeconds: number,
  audit: (stored: RecordingInfo) => AuditEntry,
): Promise<boolean> {
  const end = {
    sql: `UPDATE recordings SET ended_at = now(), abandoned = TRUE
       WHERE id = $1 AND ended_at IS NULL AND beat_at < now() - make_interval(secs => $2)`,
    values: [silentSeconds],
  };
  return endAsStored(database, id, end, (stored) => [audit(stored)]);
}

/** Ends a recording whose last chunks may not be stored, with a gap and with those that are. */
export function finishShort(
  database: Database,
  { id, at, end, audits }: Parameters<RecordingStore['finishShort']>[0],
): Promise<boolean> {
  const short = {
    sql: `UPDATE recordings SET ended_at = $2::timestamptz, "end" = $3::jsonb, gaps = gaps + 1
       WHERE id = $1 AND ended_at IS NULL`,
    values: [at, JSON.stringify(end)],
  };
  return endAsStored(database, id, short, audits);
}

async function endAsStored(
  database: Database,
  id: RecordingId,
  end: { readonly sql: string; readonly values: readonly unknown[] },
  audits: (stored: RecordingInfo) => readonly AuditEntry[],
): Promise<boolean> {
  return inTransaction(database.pool, async (client) => {
    // Waits for a chunk that is being stored; what is read after this has it.
    const { rowCount } = await client.query(end.sql, [id, ...end.values]);
    if (rowCount !== 1) return false;
    const { rows } = await client.query<RecordingRow>(
      `SELECT ${RECORDING_COLUMNS} FROM recordings r ${WITH_CHUNKS} WHERE r.id = $1`,
      [id],
    );
    const stored = recordingOf(invariant(rows[0], 'an ended recording that is not there'));
    for (const audit of audits(stored))
      await client.query(
        `WITH r AS (SELECT $1::text AS session_id), a AS (${audited('r', 2)}) ${told('r')}`,
        [stored.session, entryOf(audit)],
      );
    return true;
  });
}
