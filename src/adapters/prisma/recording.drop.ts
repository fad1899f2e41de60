import { CHUNKS_AT_ONCE_MAX } from '../../app/ports/recording.store.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { RecordingId } from '../../domain/recording/recording.js';
import type { Database } from './database.js';
import { audited, entryOf, told } from './recording.sql.js';
import { inTransaction } from './transaction.js';

/** Where the bytes of chunks are, if not in the database. Throws where they cannot be had or kept. */
export interface ChunkBodies {
  put(id: RecordingId, seq: number, bytes: Uint8Array): Promise<void>;
  get(id: RecordingId, seq: number): Promise<Uint8Array>;
  drop(id: RecordingId, chunks: number): Promise<void>;
}

/**
 * Drops a recording whose time is over, and what of it lies elsewhere. Throws where that is not all gone, also since
 * there is no door to it any more; it stays due then.
 *
 * @returns whether this call dropped it.
 */
export async function dropRecording(
  { pool }: Database,
  what: {
    readonly id: RecordingId;
    readonly audit: AuditEntry;
    readonly bodies: ChunkBodies | undefined;
  },
): Promise<boolean> {
  const { id, audit, bodies } = what;
  const isDropped = await inTransaction(pool, async (client) => {
    // Known only as long as those that are here have not gone.
    const elsewhere = await client.query(
      `SELECT 1 FROM recording_chunks c LEFT JOIN recording_bodies b USING (recording_id, seq)
       WHERE c.recording_id = $1 AND b.seq IS NULL LIMIT 1`,
      [id],
    );
    const { rows } = await client.query<{ written: number }>(
      `WITH r AS MATERIALIZED (SELECT session_id FROM recordings WHERE id = $1 AND drop_recording($1)),
       a AS (${audited('r', 2)}) ${told('r')}`,
      [id, entryOf(audit)],
    );
    if (rows[0]?.written !== 1) return false;
    if (elsewhere.rowCount === 0 && !bodies)
      await client.query('UPDATE recordings SET purged_at = now() WHERE id = $1', [id]);
    return true;
  });
  const { rows } = await pool.query<{ chunks: number; isPurged: boolean }>(
    `SELECT purged_at IS NOT NULL AS "isPurged",
       (SELECT count(*)::int FROM recording_chunks WHERE recording_id = $1) AS chunks
     FROM recordings WHERE id = $1 AND dropped_at IS NOT NULL`,
    [id],
  );
  const [dropped] = rows;
  if (!dropped || dropped.isPurged) return isDropped;
  if (!bodies)
    throw new Error(
      `chunks of the recording ${id} lie in a bucket that is not configured any more: they cannot be removed`,
    );
  // Some more may be there: of chunks whose rows came too late.
  await bodies.drop(id, dropped.chunks + CHUNKS_AT_ONCE_MAX);
  await pool.query('UPDATE recordings SET purged_at = now() WHERE id = $1', [id]);
  return isDropped;
}
