import type { PutBy } from '../../app/ports/dead.letters.js';
import { DeadLetters } from '../../app/ports/dead.letters.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Database } from './database.js';
import { REASON_CHARACTERS_MAX } from './prisma-sink.store.js';
import { entryOf } from './recording.sql.js';
import { inTransaction } from './transaction.js';

/** What sinks refused for good, in PostgreSQL. */
export class PrismaDeadLetters extends DeadLetters {
  constructor(private readonly database: Database) {
    super();
  }

  async list(
    sink: string,
    { limit, after = -1 }: { readonly limit: number; readonly after?: number },
  ): Promise<PutBy[]> {
    const { rows } = await this.database.pool.query<{
      index: string;
      event_id: string;
      action: string;
      reason: string;
      at: Date;
      replay_at: Date | null;
    }>(
      `SELECT d.index, l.event_id, e.action, d.reason, d.at, d.replay_at
       FROM audit_dead_letters d JOIN audit_leaves l ON l.index = d.index JOIN audit_events e ON e.id = l.event_id
       WHERE d.sink = $1 AND d.taken_at IS NULL AND d.index > $2 ORDER BY d.index LIMIT $3`,
      [sink, after, limit],
    );
    return rows.map((row) => ({
      index: Number(row.index),
      eventId: row.event_id,
      action: row.action,
      reason: row.reason,
      at: row.at,
      replayAt: row.replay_at,
    }));
  }

  async replay(
    sink: string,
    tell: (of: {
      readonly count: number;
      readonly first: number;
      readonly last: number;
    }) => AuditEntry,
  ): Promise<number> {
    return inTransaction(this.database.pool, async (client) => {
      const { rows } = await client.query<{ count: number; first: string; last: string }>(
        `WITH asked AS (
           UPDATE audit_dead_letters SET replay_at = now()
           WHERE sink = $1 AND taken_at IS NULL AND replay_at IS NULL RETURNING index
         ) SELECT count(*)::int AS count, min(index) AS first, max(index) AS last FROM asked`,
        [sink],
      );
      const { count = 0, first, last } = rows[0] ?? {};
      if (count === 0) return 0;
      await client.query(
        `INSERT INTO audit_events SELECT j.* FROM jsonb_populate_record(NULL::audit_events, $1::jsonb) j`,
        [entryOf(tell({ count, first: Number(first), last: Number(last) }))],
      );
      return count;
    });
  }

  async next(sink: string): Promise<number | undefined> {
    const { rows } = await this.database.pool.query<{ index: string }>(
      `SELECT index FROM audit_dead_letters
       WHERE sink = $1 AND taken_at IS NULL AND replay_at IS NOT NULL ORDER BY index LIMIT 1`,
      [sink],
    );
    return rows[0] && Number(rows[0].index);
  }

  async settle(args: {
    readonly sink: string;
    readonly holder: string;
    readonly index: number;
    readonly refused?: string;
  }): Promise<boolean> {
    const { sink, holder, index, refused } = args;
    const settled = await this.database.pool.query(
      `UPDATE audit_dead_letters d SET replay_at = NULL,
         taken_at = CASE WHEN $4::text IS NULL THEN now() END,
         reason = coalesce($4, d.reason), at = CASE WHEN $4 IS NULL THEN d.at ELSE now() END
       FROM audit_sinks s
       WHERE d.sink = $1 AND d.index = $3 AND d.taken_at IS NULL AND d.replay_at IS NOT NULL
         AND s.name = d.sink AND s.holder = $2 AND s.claimed_until > now()`,
      [sink, holder, index, refused?.slice(0, REASON_CHARACTERS_MAX) ?? null],
    );
    return settled.rowCount === 1;
  }
}
