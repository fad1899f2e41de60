import type { AccessLine } from '../../app/ports/access.report.js';
import { AccessReport } from '../../app/ports/access.report.js';
import type { Database } from './database.js';

/** What a session is counted under. */
const NAMES = {
  namespace: { from: '', name: `s.cluster || '/' || s.namespace` },
  group: {
    from: `CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements_text(s.requester->'groups') AS name) g`,
    name: 'g.name',
  },
} as const;

/** The access report in PostgreSQL. */
export class PrismaAccessReport extends AccessReport {
  constructor(private readonly database: Database) {
    super();
  }

  async lines({
    by,
    from,
    until,
    now,
    limit,
  }: Parameters<AccessReport['lines']>[0]): Promise<AccessLine[]> {
    const of = NAMES[by];
    const { rows } = await this.database.pool.query<AccessLine>(
      `SELECT ${of.name} AS name,
         count(DISTINCT (s.requester_iss, s.requester_sub))::int AS people,
         count(*)::int AS asked,
         (count(*) FILTER (WHERE s.state = 'denied'))::int AS denied,
         (count(*) FILTER (WHERE s.starting_at IS NOT NULL))::int AS started,
         (count(*) FILTER (WHERE d.session_id IS NOT NULL))::int AS "brokenGlass",
         (count(*) FILTER (WHERE d.due_at < $3 AND v.session_id IS NULL))::int AS "reviewsOverdue",
         max(s.created_at) AS "lastAskedAt"
       FROM sessions s ${of.from}
       LEFT JOIN review_debts d ON d.session_id = s.id LEFT JOIN reviews v ON v.session_id = s.id
       WHERE s.created_at >= $1 AND s.created_at < $2
       GROUP BY 1 ORDER BY asked DESC, name LIMIT $4`,
      [from, until, now, limit],
    );
    return rows;
  }
}
