import type { SessionEntry } from '../../app/ports/session.log.js';
import { SessionLog } from '../../app/ports/session.log.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';

/** The audit log by sessions in PostgreSQL. */
export class PrismaSessionLog extends SessionLog {
  constructor(private readonly database: Database) {
    super();
  }

  async extent(session: SessionId): Promise<{ events: number; bytes: number }> {
    const { rows } = await this.database.pool.query<{ events: string; bytes: string }>(
      `SELECT count(*) AS events, coalesce(sum(length(body)), 0) AS bytes
       FROM audit_events WHERE session_id = $1`,
      [session],
    );
    return { events: Number(rows[0]?.events), bytes: Number(rows[0]?.bytes) };
  }

  async entries(session: SessionId, limit: number): Promise<SessionEntry[]> {
    const { rows } = await this.database.pool.query<{
      id: string;
      index: string | null;
      leaf_hash: Buffer;
      body: Buffer | null;
    }>(
      `SELECT e.id, l.index, e.leaf_hash, e.body
       FROM audit_events e LEFT JOIN audit_leaves l ON l.event_id = e.id
       WHERE e.session_id = $1 ORDER BY l.index NULLS LAST, e.id LIMIT $2`,
      [session, limit],
    );
    return rows.map(({ id, index, leaf_hash, body }) => ({
      eventId: id,
      index: index === null ? null : Number(index),
      leafHash: leaf_hash,
      body: body ?? Buffer.alloc(0),
    }));
  }
}
