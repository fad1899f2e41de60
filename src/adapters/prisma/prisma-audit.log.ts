import { AuditLog } from '../../app/ports/audit.log.js';
import type { AuditRecord } from '../../app/ports/audit.log.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Database } from './database.js';

/** Parsed and planned once for a connection: there is hardly anything that the broker writes as often. */
const INSERT = {
  name: 'hallpass_audit_append',
  text: `INSERT INTO audit_events (id, at, action, session_id, body, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6)`,
};

/** The audit log in PostgreSQL, where this role can add and read and nothing else. */
export class PrismaAuditLog extends AuditLog {
  constructor(private readonly database: Database) {
    super();
  }

  async append(entry: AuditEntry): Promise<void> {
    const { id, at, action, sessionId, body, leafHash } = entry;
    const { rowCount } = await this.database.pool.query({
      ...INSERT,
      values: [id, at, action, sessionId, body, leafHash],
    });
    // A trigger that somebody has added may swallow it.
    if (rowCount !== 1) throw new Error(`the database did not take the event ${action}`);
  }

  async read(args: Parameters<AuditLog['read']>[0]): Promise<AuditRecord[]> {
    const { before } = args;
    const rows = await this.database.prisma.auditEvent.findMany({
      where: {
        ...(args.sessionId === undefined ? {} : { sessionId: args.sessionId }),
        ...(args.action === undefined ? {} : { action: args.action }),
        ...(before
          ? { OR: [{ at: { lt: before.at } }, { at: before.at, id: { lt: before.id } }] }
          : {}),
      },
      orderBy: [{ at: 'desc' }, { id: 'desc' }],
      take: args.limit,
    });
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      action: row.action,
      sessionId: row.sessionId,
      body: row.body && (JSON.parse(Buffer.from(row.body).toString()) as unknown),
      leafHash: Buffer.from(row.leafHash),
    }));
  }
}
