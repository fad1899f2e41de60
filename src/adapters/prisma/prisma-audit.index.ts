import type {
  AuditFilter,
  CountedBy,
  Counts,
  FoundRecord,
  FoundSessions,
} from '../../app/ports/audit.index.js';
import { AuditIndex } from '../../app/ports/audit.index.js';
import type { PlacedFacts } from '../../domain/audit/event.facts.js';
import type { SessionId } from '../../domain/session/session.js';
import { placesOf, whereOf } from './audit-filter.sql.js';
import { writeFacts } from './audit-facts.sql.js';
import { SEARCH_MEMORY, foundIn, partsOf } from './audit-search.sql.js';
import type { Database } from './database.js';
import { inTransaction } from './transaction.js';

/** Where each that is counted by stands. */
const COLUMN = {
  action: 'action',
  outcome: 'outcome',
  session: 'session_id',
  person: 'person',
  approver: 'approver',
  requester: 'requester',
  cluster: 'cluster',
  namespace: 'namespace',
  workload: 'workload',
  pod: 'pod',
  image: 'image',
  rule: 'rule',
  ticket: 'ticket',
} as const satisfies Record<CountedBy, string>;

/** The audit log's facts in PostgreSQL. */
export class PrismaAuditIndex extends AuditIndex {
  constructor(private readonly database: Database) {
    super();
  }

  async search(
    filter: AuditFilter,
    { before, limit }: { readonly before?: number; readonly limit: number },
  ): Promise<FoundRecord[]> {
    const { pool } = this.database;
    const { from, before: end = await this.size() } = await placesOf(pool, filter);
    const within = { from: from ?? 0, before: Math.min(end, before ?? end) };
    const { near, far } = partsOf(filter, within);
    const places = await foundIn(pool, { filter, within: near, inOrder: true, limit });
    if (far === undefined || places.length >= limit) return this.records(places);
    const older = await inTransaction(pool, async (client) => {
      await client.query(`SET LOCAL work_mem = '${SEARCH_MEMORY}'`);
      const left = limit - places.length;
      return foundIn(client, { filter, within: far, inOrder: false, limit: left });
    });
    return this.records([...places, ...older]);
  }

  private async records(places: readonly string[]): Promise<FoundRecord[]> {
    const { rows } = await this.database.pool.query<{
      index: string;
      id: string;
      at: Date;
      action: string;
      session_id: string | null;
      body: Buffer | null;
      leaf_hash: Buffer;
    }>(
      `SELECT l.index, e.id, e.at, e.action, e.session_id, e.body, e.leaf_hash
       FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
       WHERE l.index = ANY($1::bigint[]) ORDER BY l.index DESC`,
      [places],
    );
    return rows.map(({ index, id, at, action, session_id, body, leaf_hash }) => ({
      index: Number(index),
      id,
      at,
      action,
      sessionId: session_id,
      body: body && (JSON.parse(body.toString()) as unknown),
      leafHash: leaf_hash,
    }));
  }

  async counts(
    filter: AuditFilter,
    {
      by,
      groups,
      among,
    }: { readonly by: CountedBy; readonly groups: number; readonly among: number },
  ): Promise<Counts> {
    const where = whereOf(filter, await placesOf(this.database.pool, filter));
    const { rows } = await this.database.pool.query<{
      value: string | null;
      count: string;
      total: string;
    }>(
      `SELECT value, count(*) AS count, sum(count(*)) OVER () AS total
       FROM (
         SELECT ${COLUMN[by]} AS value FROM audit_facts WHERE ${where.sql}
         ORDER BY ${where.newest} LIMIT ${where.next} + 1
       ) found
       GROUP BY value ORDER BY count DESC, value LIMIT $${where.values.length + 2}`,
      [...where.values, among, groups],
    );
    const total = Number(rows[0]?.total ?? 0);
    return {
      groups: rows.map(({ value, count }) => ({ value, count: Number(count) })),
      total: Math.min(total, among),
      more: total > among,
    };
  }

  async sessions(
    { approver, ...filter }: AuditFilter,
    { limit, among }: { readonly limit: number; readonly among: number },
  ): Promise<FoundSessions> {
    const { pool } = this.database;
    const where = whereOf(filter, await placesOf(pool, filter));
    const own = approver === undefined ? undefined : whereOf({ approver });
    const shift = where.values.length + 2;
    const approved = own
      ? `session_id IN (SELECT session_id FROM audit_facts WHERE ${own.sql.replaceAll(/\$(\d+)/g, (_, n) => `$${Number(n) + shift}`)})`
      : 'session_id IS NOT NULL';
    const { rows } = await pool.query<{ ids: string[] | null; looked: string }>(
      `WITH found AS MATERIALIZED (
         SELECT index, session_id FROM audit_facts WHERE ${where.sql} AND ${approved}
         ORDER BY ${where.newest} LIMIT ${where.next} + 1
       )
       SELECT (SELECT count(*) FROM found) AS looked, (
         SELECT array_agg(session_id ORDER BY first) FROM (
           SELECT session_id, min(index) AS first FROM found GROUP BY 1 ORDER BY 2 LIMIT $${where.values.length + 2}
         ) each
       ) AS ids`,
      [...where.values, among, limit, ...(own?.values ?? [])],
    );
    return {
      ids: (rows[0]?.ids ?? []) as SessionId[],
      more: Number(rows[0]?.looked ?? 0) > among,
    };
  }

  async size(): Promise<number> {
    const { rows } = await this.database.pool.query<{ size: string }>(
      'SELECT coalesce(max(index) + 1, 0) AS size FROM audit_leaves',
    );
    return Number(rows[0]?.size);
  }

  async unfound(begin: number, end: number): Promise<{ index: number; body: Buffer }[]> {
    const { rows } = await this.database.pool.query<{ index: string; body: Buffer | null }>(
      `SELECT l.index, e.body FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
       WHERE l.index >= $1 AND l.index < $2
         AND NOT EXISTS (SELECT FROM audit_facts f WHERE f.index = l.index)
       ORDER BY l.index`,
      [begin, end],
    );
    return rows.map(({ index, body }) => ({ index: Number(index), body: body ?? Buffer.alloc(0) }));
  }

  add(placed: readonly PlacedFacts[]): Promise<void> {
    return writeFacts(this.database.pool, placed);
  }
}
