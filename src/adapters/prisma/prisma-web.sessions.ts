import type { WebVisitor } from '../../app/ports/web.sessions.js';
import { WebSessions } from '../../app/ports/web.sessions.js';
import type { Database } from './database.js';

/** Held while those that expired are forgotten: one at a time does that, and nobody waits for it. */
const SWEEP_LOCK = 0x77656273;

/** Browsers that signed in, in PostgreSQL. */
export class PrismaWebSessions extends WebSessions {
  constructor(private readonly database: Database) {
    super();
  }

  async add(digest: string, { person, signIn }: WebVisitor, expiresAt: Date): Promise<void> {
    await this.database.prisma.$executeRaw`
      WITH expired AS (
        DELETE FROM web_sessions
        WHERE expires_at < now() AND (SELECT pg_try_advisory_xact_lock(${SWEEP_LOCK}::bigint))
      )
      INSERT INTO web_sessions (digest, person, sign_in, expires_at)
      VALUES (${digest}, ${JSON.stringify(person)}::jsonb, ${JSON.stringify(signIn)}::jsonb, ${expiresAt}::timestamptz)`;
  }

  async find(digest: string, now: Date): Promise<WebVisitor | undefined> {
    const [row] = await this.database.prisma.$queryRaw<WebVisitor[]>`
      SELECT coalesce(p.person, w.person) AS person, w.sign_in AS "signIn" FROM web_sessions w
      LEFT JOIN people p ON p.iss = w.person->>'iss' AND p.sub = w.person->>'sub'
      WHERE w.digest = ${digest} AND w.expires_at > ${now}::timestamptz`;
    return row;
  }

  async end(digest: string): Promise<void> {
    await this.database.prisma.$executeRaw`DELETE FROM web_sessions WHERE digest = ${digest}`;
  }
}
