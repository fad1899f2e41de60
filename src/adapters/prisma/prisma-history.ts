import { History } from '../../app/ports/history.js';
import type { Counts, HistoryFacts } from '../../domain/policy/facts.js';
import { NO_SESSIONS } from '../../domain/policy/facts.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { isDebtOf, personTables, sessionsOfPerson } from './person.sql.js';

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
    const others = without === undefined ? Prisma.empty : Prisma.sql` AND s.id <> ${without}`;
    const mine: Which = (isSo) =>
      sessionsOfPerson(Prisma.sql`s.id, s.created_at`, Prisma.sql`${isSo}${others}`);
    const onTarget = (cluster: string, podUid: string): Which => {
      const there = Prisma.sql`s.cluster = ${cluster} AND s.pod_uid = ${podUid}${others}`;
      return (isSo) => Prisma.sql`SELECT s.created_at FROM sessions s WHERE ${there} AND ${isSo}`;
    };
    const target = on ? counts(onTarget(on.cluster, on.podUid), now) : Prisma.sql`NULL::json`;
    const [row] = await this.database.prisma.$queryRaw<Row[]>`
      WITH ${personTables(person)},
      overdue AS (
        SELECT d.* FROM review_debts d LEFT JOIN reviews r USING (session_id)
        WHERE r.session_id IS NULL AND d.due_at <= ${now}::timestamptz
      )
      SELECT
        ${counts(mine, now)} AS mine,
        ${target} AS target,
        (SELECT count(*)::int FROM overdue o WHERE ${isDebtOf(person)}) AS overdue,
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

/** Which sessions are counted, of those (`s`) of which something is so. */
type Which = (isSo: Prisma.Sql) => Prisma.Sql;

/**
 * What was denied is no session: it was never had. Open ones and recent ones are counted apart, each from an index of
 * few rows, for an account may have had very many.
 */
function counts(which: Which, now: Date): Prisma.Sql {
  const since = (span: string): Prisma.Sql =>
    Prisma.sql`count(*) FILTER (WHERE c.created_at > ${now}::timestamptz - ${span}::interval)`;
  const isOpen = Prisma.sql`s.state NOT IN ('denied', 'ended')`;
  const isRecent = Prisma.sql`s.state <> 'denied' AND s.created_at > ${now}::timestamptz - interval '7 days'`;
  return Prisma.sql`(
    SELECT json_build_object(
      'open', (SELECT count(*) FROM (${which(isOpen)}) c),
      'lastHour', ${since('1 hour')}, 'lastDay', ${since('1 day')}, 'lastWeek', ${since('7 days')})
    FROM (${which(isRecent)}) c)`;
}
