import type { ReviewAct, ReviewVisibility } from '../../app/ports/review.store.js';
import { ReviewStore } from '../../app/ports/review.store.js';
import { ownReview } from '../../app/review-session.js';
import type { Person } from '../../domain/person.js';
import { namesOf } from '../../domain/person.js';
import type { Problem } from '../../domain/problem.js';
import { invariant, problem } from '../../domain/problem.js';
import type { Finding, Owed } from '../../domain/review/review.js';
import type { Session, SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { auditColumns, sessionOf } from './session.rows.js';
import type { SessionRow } from './session.rows.js';
import { SESSION_COLUMNS } from './session.sql.js';

/** A debt and its review, where there is one. Named so that they can stand beside a session's columns. */
export interface OwedRow {
  readonly debtSession: string;
  readonly debtIss: string;
  readonly debtSub: string;
  readonly debtHuman: string | null;
  readonly debtTeam: string | null;
  readonly debtDueAt: Date;
  readonly finding: string | null;
  readonly comment: string | null;
  readonly reviewer: unknown;
  readonly reviewedAt: Date | null;
}

export const OWED_COLUMNS = Prisma.raw(`
  d.session_id AS "debtSession", d.iss AS "debtIss", d.sub AS "debtSub", d.human AS "debtHuman", d.team AS "debtTeam",
  d.due_at AS "debtDueAt", v.finding, v.comment, v.person AS reviewer, v.at AS "reviewedAt"`);

/** Reviews in PostgreSQL, where this role can add and read and nothing else. */
export class PrismaReviewStore extends ReviewStore {
  constructor(private readonly database: Database) {
    super();
  }

  async find(id: SessionId): Promise<Owed | undefined> {
    const [row] = await this.database.prisma.$queryRaw<OwedRow[]>`
      SELECT ${OWED_COLUMNS} FROM review_debts d LEFT JOIN reviews v USING (session_id)
      WHERE d.session_id = ${id}`;
    return row && owedOf(row);
  }

  async write({ sessionId, review, audit }: ReviewAct): Promise<Owed | Problem> {
    const { person, finding, comment, at } = review;
    // Whoever comes second waits for the first, and then adds nothing: not to the audit log either. No index is named:
    // the table has two, and of one that is not named the second would get an error.
    const [written] = await this.database.prisma.$queryRaw<Written[]>`
      WITH r AS (
        INSERT INTO reviews (session_id, debtor_iss, debtor_sub, iss, sub, person, finding, comment, at)
        SELECT d.session_id, d.iss, d.sub, ${person.iss}, ${person.sub}, ${JSON.stringify(person)}::jsonb,
          ${finding}, ${comment}, ${at}::timestamptz
        FROM review_debts d WHERE d.session_id = ${sessionId} AND (d.human = ${person.human ?? null}) IS NOT TRUE
          AND NOT (d.iss = ${person.iss} AND d.sub = ${person.sub})
        ON CONFLICT DO NOTHING RETURNING session_id
      ),
      a AS (
        INSERT INTO audit_events
        SELECT j.* FROM r, jsonb_populate_record(NULL::audit_events, ${JSON.stringify(auditColumns({ audit }))}::jsonb) j
        RETURNING 1
      ),
      o AS (
        INSERT INTO outbox (topic, session_id, payload, created_at)
        SELECT 'review', r.session_id, ${JSON.stringify({ event: 'review', finding, audit: audit.id })}::jsonb, now() FROM r
        RETURNING 1
      )
      SELECT
        (SELECT count(*)::int FROM r) AS reviews,
        (SELECT count(*)::int FROM a) AS audits,
        (SELECT count(*)::int FROM o) AS news`;
    const owed = invariant(await this.find(sessionId), `a review of nothing: ${sessionId}`);
    if (written?.reviews === 1 && written.audits === 1 && written.news === 1) return owed;
    if (written?.reviews === 0)
      return owed.review === null ? ownReview() : alreadyReviewed(sessionId);
    throw new Error(`invariant broken: a review wrote ${JSON.stringify(written)} rows`);
  }

  async list(
    args: Parameters<ReviewStore['list']>[0],
  ): Promise<{ session: Session; owed: Owed }[]> {
    const { state, now, after } = args;
    const which = {
      open: Prisma.sql`v.session_id IS NULL`,
      overdue: Prisma.sql`v.session_id IS NULL AND d.due_at <= ${now}::timestamptz`,
      done: Prisma.sql`v.session_id IS NOT NULL`,
    }[state];
    const [beyond, order] =
      state === 'done'
        ? [Prisma.raw('<'), Prisma.raw('DESC')]
        : [Prisma.raw('>'), Prisma.raw('ASC')];
    const rows = await this.database.prisma.$queryRaw<(SessionRow & OwedRow)[]>`
      SELECT s.*, q.* FROM (
        SELECT ${OWED_COLUMNS} FROM review_debts d LEFT JOIN reviews v USING (session_id)
          JOIN sessions t ON t.id = d.session_id
        WHERE ${which} AND ${visible(args.visibility)}
          AND (${after?.id ?? null}::text IS NULL
            OR (d.due_at, d.session_id) ${beyond} (${after?.dueAt ?? null}::timestamptz, ${after?.id ?? null}::text))
        ORDER BY d.due_at ${order}, d.session_id ${order} LIMIT ${args.limit}::int
      ) q JOIN (SELECT ${SESSION_COLUMNS} FROM sessions) s ON s.id = q."debtSession"
      ORDER BY q."debtDueAt" ${order}, q."debtSession" ${order}`;
    return rows.map((row) => ({ session: sessionOf(row), owed: owedOf(row) }));
  }

  async counts(now: Date): Promise<{ open: number; overdue: number }> {
    const [row] = await this.database.prisma.$queryRaw<{ open: number; overdue: number }[]>`
      SELECT count(*)::int AS open, (count(*) FILTER (WHERE d.due_at <= ${now}::timestamptz))::int AS overdue
      FROM review_debts d WHERE NOT EXISTS (SELECT FROM reviews v WHERE v.session_id = d.session_id)`;
    return invariant(row, 'counts without a row');
  }
}

interface Written {
  readonly reviews: number;
  readonly audits: number;
  readonly news: number;
}

/** One's own debts, by any account; and those that the terms name one as a reviewer of, unless they are one's own. */
function visible(visibility: ReviewVisibility): Prisma.Sql {
  if (visibility.kind === 'all') return Prisma.sql`TRUE`;
  const { iss, sub, human = null, groups } = visibility.person;
  const names = [...namesOf(visibility.person)];
  const named = Prisma.sql`t."grant"->'terms'->'breakGlass'->'review'`;
  return Prisma.sql`(
    (d.iss = ${iss} AND d.sub = ${sub}) OR d.human = ${human}
    OR ${named}->'groups' ?| ${[...groups]}::text[]
    OR ${named}->'users' ?| ${names}::text[])`;
}

export function owedOf(row: OwedRow): Owed {
  return {
    sessionId: row.debtSession as SessionId,
    debtor: {
      iss: row.debtIss,
      sub: row.debtSub,
      ...(row.debtHuman === null ? {} : { human: row.debtHuman }),
    },
    team: row.debtTeam,
    dueAt: row.debtDueAt,
    review:
      row.reviewedAt === null
        ? null
        : {
            person: row.reviewer as Person,
            finding: row.finding as Finding,
            comment: row.comment ?? '',
            at: row.reviewedAt,
          },
  };
}

function alreadyReviewed(id: SessionId): Problem {
  return problem('already-reviewed', `The session ${id} was reviewed by somebody else just now.`);
}
