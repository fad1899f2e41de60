import { History } from '../../app/ports/history.js';
import type { Counts, HistoryFacts } from '../../domain/policy/facts.js';
import { NO_SESSIONS } from '../../domain/policy/facts.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';

interface Row {
  readonly mine: Counts;
  readonly target: Counts | null;
  readonly overdue: number;
  readonly teams: Readonly<Record<string, number>> | null;
}

/** Sessions counted in PostgreSQL, in one statement. */
export class PrismaHistory extends History {
  constructor(private readonly database: Database) {
    super();
  }

  async of({ person, on, without, now }: Parameters<History['of']>[0]): Promise<HistoryFacts> {
    const { iss, sub, human = null } = person;
    const others = without === undefined ? Prisma.empty : Prisma.sql` AND s.id <> ${without}`;
    const mine = Prisma.sql`((s.requester_iss = ${iss} AND s.requester_sub = ${sub}) OR s.requester_human = ${human})${others}`;
    const target = on
      ? counts(Prisma.sql`s.cluster = ${on.cluster} AND s.pod_uid = ${on.podUid}${others}`, now)
      : Prisma.sql`NULL::json`;
    const [row] = await this.database.prisma.$queryRaw<Row[]>`
      WITH overdue AS (
        SELECT d.* FROM review_debts d LEFT JOIN reviews r USING (session_id)
        WHERE r.session_id IS NULL AND d.due_at <= ${now}::timestamptz
      )
      SELECT
        ${counts(mine, now)} AS mine,
        ${target} AS target,
        (SELECT count(*)::int FROM overdue o
          WHERE (o.iss = ${iss} AND o.sub = ${sub}) OR o.human = ${human}) AS overdue,
        (SELECT json_object_agg(team, n) FROM
          (SELECT team, count(*)::int AS n FROM overdue WHERE team IS NOT NULL GROUP BY team) t) AS teams`;
    if (!row) throw new Error('invariant broken: counts without a row');
    return {
      mine: row.mine,
      target: row.target ?? NO_SESSIONS,
      overdueReviews: { mine: row.overdue, byTeam: row.teams ?? {} },
    };
  }
}

/**
 * What was denied is no session: it was never had. Open ones and recent ones are counted apart, each from an index of
 * few rows, for an account may have had very many.
 */
function counts(which: Prisma.Sql, now: Date): Prisma.Sql {
  const since = (span: string): Prisma.Sql =>
    Prisma.sql`count(*) FILTER (WHERE s.created_at > ${now}::timestamptz - ${span}::interval)`;
  return Prisma.sql`(
    SELECT json_build_object(
      'open', (SELECT count(*) FROM sessions s WHERE (${which}) AND s.state NOT IN ('denied', 'ended')),
      'lastHour', ${since('1 hour')}, 'lastDay', ${since('1 day')}, 'lastWeek', ${since('7 days')})
    FROM sessions s
    WHERE (${which}) AND s.state <> 'denied' AND s.created_at > ${now}::timestamptz - interval '7 days')`;
}
