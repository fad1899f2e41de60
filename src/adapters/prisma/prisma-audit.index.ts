import type { AuditFilter, CountedBy, Counts, FoundRecord } from '../../app/ports/audit.index.js';
import { AuditIndex, COUNTED_BY } from '../../app/ports/audit.index.js';
import type { PlacedFacts } from '../../domain/audit/event.facts.js';
import { factText } from '../../domain/audit/event.facts.js';
import { writeFacts } from './audit-facts.sql.js';
import type { Database } from './database.js';

/** Columns that hold subjects, and may be asked for as `issuer|subject`: all are of whoever acted, but one. */
const ACTORS: ReadonlySet<string> = new Set(['person', 'approver']);
const ISSUER_AND_SUBJECT = /^(https?:\/\/[^|]*)\|(.+)$/is;

/** The audit log's facts in PostgreSQL. */
export class PrismaAuditIndex extends AuditIndex {
  constructor(private readonly database: Database) {
    super();
  }

  async search(
    filter: AuditFilter,
    { before, limit }: { readonly before?: number; readonly limit: number },
  ): Promise<FoundRecord[]> {
    const where = whereOf(filter, before);
    const { rows } = await this.database.pool.query<{
      index: string;
      id: string;
      at: Date;
      action: string;
      session_id: string | null;
      body: Buffer | null;
      leaf_hash: Buffer;
    }>(
      `SELECT f.index, e.id, e.at, e.action, e.session_id, e.body, e.leaf_hash
       FROM (SELECT index FROM audit_facts WHERE ${where.sql} ORDER BY index DESC LIMIT ${where.next}) f
       JOIN audit_leaves l ON l.index = f.index JOIN audit_events e ON e.id = l.event_id
       ORDER BY f.index DESC`,
      [...where.values, limit],
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
    const where = whereOf(filter);
    const { rows } = await this.database.pool.query<{
      value: string | null;
      count: string;
      total: string;
    }>(
      `SELECT value, count(*) AS count, sum(count(*)) OVER () AS total
       FROM (
         SELECT ${by} AS value FROM audit_facts WHERE ${where.sql}
         ORDER BY index DESC LIMIT ${where.next} + 1
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

/** What must hold, with its values; `next` is the parameter after them. */
function whereOf(
  filter: AuditFilter,
  before?: number,
): { readonly sql: string; readonly values: readonly unknown[]; readonly next: string } {
  const values: unknown[] = [];
  const holds: string[] = [];
  const must = (column: string, operator: string, value: unknown) => {
    if (value !== undefined) holds.push(`${column} ${operator} $${values.push(value)}`);
  };
  must('index', '<', before);
  must('session_id', '=', filter.session);
  must('email', '=', filter.email);
  must('at', '>=', filter.from);
  must('at', '<', filter.until);
  for (const by of COUNTED_BY) {
    const text = filter[by];
    const [, iss, sub] = (ACTORS.has(by) && ISSUER_AND_SUBJECT.exec(text ?? '')) || [];
    must('person_iss', '=', iss);
    must(by, '=', sub ?? (text === undefined ? undefined : factText(text)));
  }
  if (filter.breakGlass !== undefined)
    holds.push(filter.breakGlass ? 'break_glass' : 'NOT break_glass');
  if (filter.text !== undefined) {
    holds.push(`words @@ websearch_to_tsquery('simple', $${values.push(filter.text)})`);
  }
  return {
    sql: holds.length > 0 ? holds.join(' AND ') : 'true',
    values,
    next: `$${values.length + 1}`,
  };
}
