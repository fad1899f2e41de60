import type { Bearer, TicketUse } from '../../app/ports/ticket.store.js';
import { TicketStore } from '../../app/ports/ticket.store.js';
import type { Database } from './database.js';

/** Held while expired tickets are forgotten: one at a time does that, and nobody waits for it. */
const SWEEP_LOCK = 0x7469636b;

/** Tickets in PostgreSQL. Their time is that of the database's clock: replicas' clocks may differ. */
export class PrismaTicketStore extends TicketStore {
  constructor(private readonly database: Database) {
    super();
  }

  async add(
    { digest, session, kind, bearer, seconds }: Parameters<TicketStore['add']>[0],
    openMax: number,
  ): Promise<Date | undefined> {
    const { iss, sub } = bearer.person;
    const [added] = await this.database.prisma.$queryRaw<{ expiresAt: Date }[]>`
      WITH expired AS (
        DELETE FROM tickets WHERE expires_at < now() AND (SELECT pg_try_advisory_xact_lock(${SWEEP_LOCK}::bigint))
      )
      INSERT INTO tickets (digest, session_id, kind, iss, sub, bearer, expires_at)
      SELECT ${digest}, ${session}, ${kind}, ${iss}, ${sub}, ${JSON.stringify(bearer)}::jsonb,
        now() + make_interval(secs => ${seconds}::double precision)
      WHERE (SELECT count(*) FROM tickets WHERE iss = ${iss} AND sub = ${sub} AND expires_at >= now()) < ${openMax}::int
      RETURNING expires_at AS "expiresAt"`;
    return added?.expiresAt;
  }

  async take({ digest, session, kind }: TicketUse): Promise<Bearer | undefined> {
    // Of two that delete one row at once, the second finds nothing.
    const [taken] = await this.database.prisma.$queryRaw<{ bearer: Bearer }[]>`
      DELETE FROM tickets
      WHERE digest = ${digest} AND session_id = ${session} AND kind = ${kind} AND expires_at > now()
      RETURNING bearer`;
    return taken?.bearer;
  }
}
