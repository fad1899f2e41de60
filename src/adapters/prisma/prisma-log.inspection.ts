import type { InspectedEntry, Misfiled } from '../../app/ports/log.inspection.js';
import { LogInspection } from '../../app/ports/log.inspection.js';
import type { PlacedFacts } from '../../domain/audit/event.facts.js';
import type { Hash } from '../../domain/audit/merkle.tree.js';
import { misfiledFacts, writeFacts } from './audit-facts.sql.js';
import type { Database } from './database.js';

interface Row {
  readonly index: string;
  readonly event_id: string;
  readonly placed_hash: Buffer;
  readonly id: string | null;
  readonly at: Date;
  readonly action: string;
  readonly session_id: string | null;
  readonly leaf_hash: Buffer;
  readonly body: Buffer | null;
}

/** What the tables of the audit log hold, with none of their constraints relied on. */
export class PrismaLogInspection extends LogInspection {
  constructor(private readonly database: Database) {
    super();
  }

  async entries(begin: number, count: number): Promise<InspectedEntry[]> {
    const { rows } = await this.database.pool.query<Row>(
      `SELECT l.index, l.event_id, l.leaf_hash AS placed_hash,
              e.id, e.at, e.action, e.session_id, e.leaf_hash, e.body
       FROM audit_leaves l LEFT JOIN audit_events e ON e.id = l.event_id
       WHERE l.index >= $1 AND l.index < $2 ORDER BY l.index`,
      [begin, begin + count],
    );
    return rows.map((row) => ({
      index: Number(row.index),
      eventId: row.event_id,
      leafHash: row.placed_hash,
      event:
        row.id === null
          ? null
          : {
              at: row.at,
              action: row.action,
              sessionId: row.session_id,
              leafHash: row.leaf_hash,
              body: row.body,
            },
    }));
  }

  async droppedSince(begin: number): Promise<{ leafHash: Hash; body: Buffer }[]> {
    const { rows } = await this.database.pool.query<{ leaf_hash: Buffer; body: Buffer }>(
      `SELECT e.leaf_hash, e.body
       FROM (
         SELECT event_id FROM audit_leaves WHERE index >= $1
         UNION ALL SELECT event_id FROM audit_pending
       ) AS p JOIN audit_events e ON e.id = p.event_id
       WHERE e.action = 'audit.dropped' AND e.body IS NOT NULL`,
      [begin],
    );
    return rows.map(({ leaf_hash, body }) => ({ leafHash: leaf_hash, body }));
  }

  async nodes(
    ids: readonly { readonly level: number; readonly index: number }[],
  ): Promise<(Hash | undefined)[]> {
    if (ids.length === 0) return [];
    const { rows } = await this.database.pool.query<{ hash: Buffer | null }>(
      `SELECT n.hash FROM unnest($1::smallint[], $2::bigint[]) WITH ORDINALITY AS t (level, index, at)
       LEFT JOIN audit_nodes n ON n.level = t.level AND n.index = t.index ORDER BY t.at`,
      [ids.map(({ level }) => level), ids.map(({ index }) => index)],
    );
    return rows.map(({ hash }) => hash ?? undefined);
  }

  misfiled(placed: readonly PlacedFacts[]): Promise<Misfiled[]> {
    return misfiledFacts(this.database.pool, placed);
  }

  async pastTime(begin: number, count: number): Promise<Misfiled[]> {
    const { rows } = await this.database.pool.query<{ index: string }>(
      `SELECT min(l.index) AS index
       FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
       LEFT JOIN audit_fact_spans s ON s.block = l.index / audit_fact_block_places()
       WHERE l.index >= $1 AND l.index < $2 AND (e.at BETWEEN s.first_at AND s.last_at) IS NOT TRUE
       GROUP BY l.index / audit_fact_block_places() ORDER BY 1`,
      [begin, begin + count],
    );
    return rows.map(({ index }) => ({ index: Number(index), isMissing: false, isPastTime: true }));
  }

  async widen(begin: number, count: number): Promise<void> {
    await this.database.pool.query('SELECT widen_audit_fact_spans($1, $2)', [begin, begin + count]);
  }

  file(placed: readonly PlacedFacts[]): Promise<void> {
    return writeFacts(this.database.pool, placed);
  }

  /** The trigger and the sequencer leave no moment in which an event is in neither table, as one statement sees them. */
  async unplaced(
    afterId: string | undefined,
    count: number,
  ): Promise<{ last: string | undefined; unplaced: string[] }> {
    const { rows } = await this.database.pool.query<{ id: string; is_known: boolean }>(
      `SELECT e.id, EXISTS (SELECT FROM audit_leaves l WHERE l.event_id = e.id)
                 OR EXISTS (SELECT FROM audit_pending p WHERE p.event_id = e.id) AS is_known
       FROM (
         SELECT id FROM audit_events WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2
       ) AS e ORDER BY e.id`,
      [afterId ?? null, count],
    );
    const unplaced = rows.filter(({ is_known }) => !is_known).map(({ id }) => id);
    return { last: rows.at(-1)?.id, unplaced };
  }
}
