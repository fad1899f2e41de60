import { z } from 'zod';
import type { AuditHold } from '../../app/ports/audit.holds.js';
import { AuditHolds } from '../../app/ports/audit.holds.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Database } from './database.js';
import { audited, entryOf } from './recording.sql.js';

const HELD_BY = z.object({ iss: z.string(), sub: z.string() });

interface Row {
  readonly id: string;
  readonly session_id: string | null;
  readonly from_at: Date | null;
  readonly until_at: Date | null;
  readonly reason: string;
  readonly ticket: string | null;
  readonly held_by: unknown;
  readonly held_at: Date;
}

const HOLDS = `SELECT id, session_id, from_at, until_at, reason, ticket, held_by, held_at
  FROM audit_holds WHERE released_at IS NULL`;

/** The holds on the audit log in PostgreSQL, where this role can place and release them and nothing else. */
export class PrismaAuditHolds extends AuditHolds {
  constructor(private readonly database: Database) {
    super();
  }

  async standing(limit: number): Promise<AuditHold[]> {
    const { rows } = await this.database.pool.query<Row>(
      `${HOLDS} ORDER BY held_at DESC, id LIMIT $1`,
      [limit],
    );
    return rows.map(holdOf);
  }

  async find(id: string): Promise<AuditHold | undefined> {
    const { rows } = await this.database.pool.query<Row>(`${HOLDS} AND id = $1`, [id]);
    return rows[0] && holdOf(rows[0]);
  }

  async place(hold: AuditHold, audit: AuditEntry): Promise<void> {
    const { id, session, from, until, reason, ticket, by, at } = hold;
    await this.database.pool.query(
      `WITH h AS (
         INSERT INTO audit_holds (id, session_id, from_at, until_at, reason, ticket, held_by, held_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8) RETURNING id
       ) ${audited('h', 9)}`,
      [id, session, from, until, reason, ticket, JSON.stringify(by), at, entryOf(audit)],
    );
  }

  async release(id: string, at: Date, audit: AuditEntry): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `WITH h AS (
         UPDATE audit_holds SET released_at = $2 WHERE id = $1 AND released_at IS NULL RETURNING id
       ) ${audited('h', 3)}`,
      [id, at, entryOf(audit)],
    );
    return rowCount === 1;
  }
}

function holdOf(row: Row): AuditHold {
  return {
    id: row.id,
    session: row.session_id,
    from: row.from_at,
    until: row.until_at,
    reason: row.reason,
    ticket: row.ticket,
    by: HELD_BY.parse(row.held_by),
    at: row.held_at,
  };
}
