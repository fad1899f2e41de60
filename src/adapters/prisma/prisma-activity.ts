import { Activity } from '../../app/ports/activity.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';

/** Input into sessions, in PostgreSQL. */
export class PrismaActivity extends Activity {
  constructor(private readonly database: Database) {
    super();
  }

  async touch(session: SessionId, at: Date): Promise<void> {
    // Replicas' clocks may differ: the latest stays.
    const written = await this.database.prisma.$executeRaw`
      INSERT INTO session_activity AS a (session_id, last_input_at) VALUES (${session}, ${at}::timestamptz)
      ON CONFLICT (session_id) DO UPDATE SET last_input_at = greatest(a.last_input_at, EXCLUDED.last_input_at)`;
    if (written !== 1) throw new Error(`invariant broken: input wrote ${written} rows`);
  }

  async lastInputAt(session: SessionId): Promise<Date | undefined> {
    const row = await this.database.prisma.sessionActivity.findUnique({
      where: { sessionId: session },
    });
    return row?.lastInputAt;
  }
}
