import type { RetentionSlice } from '../../app/ports/log.retention.js';
import { LogRetention } from '../../app/ports/log.retention.js';
import { invariant } from '../../domain/problem.js';
import type { Database } from './database.js';
import { entryOf } from './recording.sql.js';
import { inTransaction } from './transaction.js';

/** Of advisory locks: whoever has it drops bodies. "halldrop" in ASCII, so that it is nobody else's. */
const RETENTION_LOCK = '7521412065482927984';

// By the database's clock. An anchor or a sink that has nothing yet has no row.
const BOUNDS = `
  SELECT date_trunc('milliseconds', now()) AS at,
    date_trunc('milliseconds', now() - make_interval(days => $1)) AS cutoff,
    least(
      (SELECT coalesce(max(index) + 1, 0) FROM audit_leaves),
      (SELECT min(coalesce(s.next, 0)) FROM unnest($2::text[]) n (name) LEFT JOIN audit_sinks s USING (name)),
      (SELECT min(CASE WHEN a.size <= (SELECT max(size) FROM audit_checkpoints) THEN a.size ELSE 0 END)
        FROM unnest($3::text[]) n (name) LEFT JOIN audit_anchors a USING (name))
    ) AS "end"`;

const DUE = `
  SELECT l.index, e.at < $3 AS "isOld", e.body IS NOT NULL AND audit_body_may_go(e.id, $3) AS "mayGo"
  FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
  WHERE l.index >= $1 AND l.index < $2 ORDER BY l.index`;

/** The end of bodies' time in PostgreSQL, whose own function drops them: this role could not. */
export class PrismaLogRetention extends LogRetention {
  constructor(private readonly database: Database) {
    super();
  }

  async drop(
    slice: RetentionSlice,
  ): Promise<{ readonly dropped: number; readonly isEnd: boolean } | undefined> {
    const { begin, count, keepDays, sinks, anchors, tell } = slice;
    return inTransaction(this.database.pool, async (client) => {
      const lock = await client.query<{ has: boolean }>(
        'SELECT pg_try_advisory_xact_lock($1::bigint) AS has',
        [RETENTION_LOCK],
      );
      if (lock.rows[0]?.has !== true) return undefined;
      const bounds = await client.query<{ at: Date; cutoff: Date; end: string }>(BOUNDS, [
        keepDays,
        sinks,
        anchors,
      ]);
      const { at, cutoff, end } = invariant(bounds.rows[0], 'no bounds of retention');
      const until = Math.min(begin + count, Number(end));
      const { rows } = await client.query<{ index: string; isOld: boolean; mayGo: boolean }>(DUE, [
        begin,
        until,
        cutoff,
      ]);
      const isEnd = until < begin + count || !rows.some(({ isOld }) => isOld);
      const places = rows.filter(({ mayGo }) => mayGo).map(({ index }) => Number(index));
      if (places.length === 0) return { dropped: 0, isEnd };
      const entry = tell({ places, cutoff, at });
      await client.query(
        `INSERT INTO audit_events SELECT j.* FROM jsonb_populate_record(NULL::audit_events, $1::jsonb) j`,
        [entryOf(entry)],
      );
      await client.query('SELECT drop_audit_bodies($1)', [entry.id]);
      return { dropped: places.length, isEnd };
    });
  }
}
