import type { PastDecision } from '../../app/ports/past-decisions.js';
import { PastDecisions } from '../../app/ports/past-decisions.js';
import type { Person } from '../../domain/person.js';
import type { SessionId, SessionRequest } from '../../domain/session/session.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import { factsOf, grantOf } from './session.rows.js';

const PAGE_ROWS = 500;

interface Row {
  readonly id: string;
  readonly at: Date;
  readonly verdict: string;
  readonly rule: string | null;
  readonly explanation: unknown;
  readonly facts: unknown;
  readonly sessionId: string;
  readonly requester: unknown;
  readonly request: unknown;
  readonly grant: unknown;
}

/**
 * Past decisions on new sessions in PostgreSQL, page by page, each in a transaction that may only read. Those on
 * extensions left no grant to compare with: a session keeps the terms that it had.
 */
export class PrismaPastDecisions extends PastDecisions {
  constructor(private readonly database: Database) {
    super();
  }

  async *newestFirst({
    since,
    limit,
  }: Parameters<PastDecisions['newestFirst']>[0]): AsyncGenerator<PastDecision> {
    let left = limit;
    let before: Pick<Row, 'at' | 'id'> | undefined;
    while (left > 0) {
      const take = Math.min(left, PAGE_ROWS);
      const rows = await this.page({ since, before, take });
      yield* rows.map(pastDecisionOf);
      left -= rows.length;
      before = rows.at(-1);
      if (rows.length < take) return;
    }
  }

  private async page(args: {
    since: Date;
    before: Pick<Row, 'at' | 'id'> | undefined;
    take: number;
  }): Promise<Row[]> {
    const { since, before, take } = args;
    const older = before
      ? Prisma.sql`AND (d.at, d.id) < (${before.at}::timestamptz, ${before.id}::uuid)`
      : Prisma.empty;
    const { prisma } = this.database;
    const [, rows] = await prisma.$transaction([
      prisma.$executeRaw`SET TRANSACTION READ ONLY`,
      prisma.$queryRaw<Row[]>`
        SELECT d.id::text, d.at, d.verdict, d.rule, d.explanation, d.facts,
          s.id AS "sessionId", s.requester, s.request, s."grant"
        FROM decisions d JOIN sessions s ON s.id = d.session_id
        WHERE d.by = 'policy' AND d.seen_version IS NULL AND d.at >= ${since}::timestamptz ${older}
        ORDER BY d.at DESC, d.id DESC LIMIT ${take}`,
    ]);
    return rows;
  }
}

/** What was written by `session.rows.ts`: its JSON is taken at its word. */
function pastDecisionOf(row: Row): PastDecision {
  return {
    sessionId: row.sessionId as SessionId,
    at: row.at,
    verdict: row.verdict as PastDecision['verdict'],
    rule: row.rule,
    explanation: row.explanation as string[],
    facts: factsOf(row.facts),
    requester: row.requester as Person,
    target: (row.request as SessionRequest).target,
    grant: grantOf(row.grant),
  };
}
