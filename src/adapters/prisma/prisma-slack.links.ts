import type { KnownSince, SlackLink } from '../../app/ports/slack.links.js';
import { SlackLinks } from '../../app/ports/slack.links.js';
import type { SlackAccount } from '../../domain/slack-user.js';
import type { Person } from '../../domain/person.js';
import { invariant } from '../../domain/problem.js';
import type { Database } from './database.js';
import { auditColumns } from './session.rows.js';

/** Held while an account is tied: the count of what it has is of what was tied before. */
const TIE_LOCK = 0x736c6b;

interface Tied {
  readonly held: number;
  readonly mine: number;
  readonly links: number;
  readonly audits: number;
}

/** Links of Slack accounts in PostgreSQL. Codes live by the database's clock. */
export class PrismaSlackLinks extends SlackLinks {
  constructor(private readonly database: Database) {
    super();
  }

  async offer({ account, name, digest, seconds }: Parameters<SlackLinks['offer']>[0]) {
    const [kept] = await this.database.prisma.$queryRaw<{ expiresAt: Date }[]>`
      WITH expired AS (
        DELETE FROM slack_link_codes WHERE (team_id, user_id) IN (
          SELECT team_id, user_id FROM slack_link_codes
          WHERE expires_at < now() AND (team_id, user_id) <> (${account.teamId}, ${account.userId})
          LIMIT 100 FOR UPDATE SKIP LOCKED)
      )
      INSERT INTO slack_link_codes (team_id, user_id, name, digest, expires_at)
      VALUES (${account.teamId}, ${account.userId}, ${name}, ${digest},
        now() + make_interval(secs => ${seconds}::double precision))
      ON CONFLICT (team_id, user_id) DO UPDATE SET
        name = EXCLUDED.name, digest = EXCLUDED.digest, expires_at = EXCLUDED.expires_at
      RETURNING expires_at AS "expiresAt"`;
    return invariant(kept, 'a code was not kept').expiresAt;
  }

  async offered(digest: string) {
    const [found] = await this.database.prisma.$queryRaw<(SlackAccount & { name: string })[]>`
      SELECT team_id AS "teamId", user_id AS "userId", name FROM slack_link_codes
      WHERE digest = ${digest} AND expires_at > now()`;
    return found;
  }

  async tie({ digest, link, identity, audit, accountsMax }: Parameters<SlackLinks['tie']>[0]) {
    const { iss, sub } = identity;
    const { id, teamId, userId, name, linkedAt } = link;
    return this.database.prisma.$transaction(async (prisma) => {
      // By itself: what the next statement sees is what was tied before the lock was had.
      await prisma.$queryRaw`SELECT pg_advisory_xact_lock(${TIE_LOCK}::bigint)::text`;
      const [tied] = await prisma.$queryRaw<Tied[]>`
        WITH c AS (
          DELETE FROM slack_link_codes
          WHERE digest = ${digest} AND team_id = ${teamId} AND user_id = ${userId} AND expires_at > now()
          RETURNING 1
        ),
        m AS (SELECT count(*)::int AS n FROM slack_links WHERE iss = ${iss} AND sub = ${sub} AND unlinked_at IS NULL),
        l AS (
          INSERT INTO slack_links (id, team_id, user_id, name, iss, sub, linked_at)
          SELECT ${id}::uuid, ${teamId}, ${userId}, ${name}, ${iss}, ${sub}, ${linkedAt}::timestamptz
          FROM c, m WHERE m.n < ${accountsMax}::int
          ON CONFLICT DO NOTHING RETURNING 1
        ),
        a AS (
          INSERT INTO audit_events
          SELECT j.* FROM l, jsonb_populate_record(NULL::audit_events, ${JSON.stringify(auditColumns({ audit }))}::jsonb) j
          RETURNING 1
        )
        SELECT (SELECT count(*)::int FROM c) AS held, (SELECT n FROM m) AS mine,
          (SELECT count(*)::int FROM l) AS links, (SELECT count(*)::int FROM a) AS audits`;
      if (tied?.links === 1 && tied.audits === 1) return 'done';
      if (tied?.links === 0 && tied.audits === 0) {
        if (tied.held === 0) return 'code';
        return tied.mine >= accountsMax ? 'many' : 'tied';
      }
      throw new Error(`invariant broken: a Slack account was tied by ${JSON.stringify(tied)} rows`);
    });
  }

  async untie({ id, identity, at, audit }: Parameters<SlackLinks['untie']>[0]) {
    const { iss, sub } = identity;
    const [ended] = await this.database.prisma.$queryRaw<{ links: number; audits: number }[]>`
      WITH l AS (
        UPDATE slack_links SET unlinked_at = ${at}::timestamptz
        WHERE id = ${id}::uuid AND iss = ${iss} AND sub = ${sub} AND unlinked_at IS NULL RETURNING 1
      ),
      a AS (
        INSERT INTO audit_events
        SELECT j.* FROM l, jsonb_populate_record(NULL::audit_events, ${JSON.stringify(auditColumns({ audit }))}::jsonb) j
        RETURNING 1
      )
      SELECT (SELECT count(*)::int FROM l) AS links, (SELECT count(*)::int FROM a) AS audits`;
    if (ended && ended.links === ended.audits) return ended.links === 1;
    throw new Error(`invariant broken: a link was ended by ${JSON.stringify(ended)} rows`);
  }

  async of({ iss, sub }: Parameters<SlackLinks['of']>[0]): Promise<SlackLink[]> {
    return this.database.prisma.$queryRaw<SlackLink[]>`
      SELECT id::text, team_id AS "teamId", user_id AS "userId", name, linked_at AS "linkedAt" FROM slack_links
      WHERE iss = ${iss} AND sub = ${sub} AND unlinked_at IS NULL ORDER BY linked_at, id`;
  }

  async find({ teamId, userId }: SlackAccount): Promise<KnownSince | 'parted' | undefined> {
    const [row] = await this.database.prisma.$queryRaw<
      { person: Person | null; issuedAt: Date | null }[]
    >`
      SELECT p.person, p.issued_at AS "issuedAt" FROM slack_links l
      LEFT JOIN people p ON p.iss = l.iss AND p.sub = l.sub AND l.unlinked_at IS NULL
      WHERE l.team_id = ${teamId} AND l.user_id = ${userId}
      ORDER BY l.unlinked_at DESC NULLS FIRST LIMIT 1`;
    if (!row) return undefined;
    const { person, issuedAt } = row;
    return person === null || issuedAt === null ? 'parted' : { person, issuedAt };
  }

  async byEmail(email: string): Promise<KnownSince[]> {
    return this.database.prisma.$queryRaw<KnownSince[]>`
      SELECT person, issued_at AS "issuedAt" FROM people WHERE lower(person->>'email') = lower(${email}) LIMIT 2`;
  }
}
