import type { OpenSession } from '../../app/ports/open.sessions.js';
import { OpenSessions } from '../../app/ports/open.sessions.js';
import type { Person } from '../../domain/person.js';
import type { Database } from './database.js';
import type { SessionRow } from './session.rows.js';
import { factsOf, sessionOf } from './session.rows.js';
import { SESSION_COLUMNS } from './session.sql.js';

type Row = SessionRow & { readonly facts: unknown; readonly person: Person | null };

/** Open sessions in PostgreSQL, each with its newest facts and its requester's newest token. */
export class PrismaOpenSessions extends OpenSessions {
  constructor(private readonly database: Database) {
    super();
  }

  async page({ after, limit }: Parameters<OpenSessions['page']>[0]): Promise<OpenSession[]> {
    const rows = await this.database.prisma.$queryRaw<Row[]>`
      SELECT ${SESSION_COLUMNS}, d.facts, p.person
      FROM sessions s
      LEFT JOIN LATERAL (
        SELECT facts FROM decisions
        WHERE session_id = s.id AND "by" = 'policy' AND facts IS NOT NULL ORDER BY "at" DESC LIMIT 1
      ) d ON TRUE
      LEFT JOIN LATERAL (
        SELECT person FROM people WHERE iss = s.requester_iss AND sub = s.requester_sub
      ) p ON TRUE
      WHERE s.state NOT IN ('denied', 'ended') AND s.state <> 'ending'
        AND (${after ?? null}::text IS NULL OR s.id > ${after ?? null})
        AND s."grant"->'terms'->>'onAccessRemoved' = 'end'
      ORDER BY s.id LIMIT ${limit}::int`;
    return rows.map(({ facts, person, ...row }) => ({
      session: sessionOf(row),
      facts: factsOf(facts),
      person,
    }));
  }
}
