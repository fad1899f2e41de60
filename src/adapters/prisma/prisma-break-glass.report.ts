import type { BrokenGlass } from '../../app/ports/break-glass.report.js';
import { BreakGlassReport } from '../../app/ports/break-glass.report.js';
import type { Database } from './database.js';
import type { OwedRow } from './prisma-review.store.js';
import { OWED_COLUMNS, owedOf } from './prisma-review.store.js';
import type { SessionRow } from './session.rows.js';
import { sessionOf } from './session.rows.js';
import { SESSION_COLUMNS } from './session.sql.js';

const WHICH = {
  any: 'true',
  owed: 'v.session_id IS NULL',
  overdue: 'v.session_id IS NULL AND d.due_at <= $3',
  done: 'v.session_id IS NOT NULL',
} as const;

/** The break-glass report in PostgreSQL. A debt is taken on in the moment in which the glass is broken. */
export class PrismaBreakGlassReport extends BreakGlassReport {
  constructor(private readonly database: Database) {
    super();
  }

  async broken({
    from,
    until,
    now,
    review,
    after,
    limit,
  }: Parameters<BreakGlassReport['broken']>[0]): Promise<BrokenGlass[]> {
    const { rows } = await this.database.pool.query<SessionRow & OwedRow & { brokenAt: Date }>(
      `SELECT s.*, q.* FROM (
         SELECT ${OWED_COLUMNS.sql}, d.at AS "brokenAt"
         FROM review_debts d LEFT JOIN reviews v USING (session_id)
         WHERE d.at >= $1 AND d.at < $2 AND $3::timestamptz IS NOT NULL AND ${WHICH[review ?? 'any']}
           AND ($5::text IS NULL OR (d.at, d.session_id) < ($4::timestamptz, $5))
         ORDER BY d.at DESC, d.session_id DESC LIMIT $6
       ) q JOIN (SELECT ${SESSION_COLUMNS.sql} FROM sessions) s ON s.id = q."debtSession"
       ORDER BY q."brokenAt" DESC, q."debtSession" DESC`,
      [from, until, now, after?.at ?? null, after?.id ?? null, limit],
    );
    return rows.map((row) => ({ session: sessionOf(row), at: row.brokenAt, owed: owedOf(row) }));
  }
}
