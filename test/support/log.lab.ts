import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { SequenceLog } from '../../src/app/sequence-log.js';
import type { AuditEntry, AuditFacts } from '../../src/domain/audit/entry.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { makeKey, readSigner } from '../../src/domain/audit/signed.note.js';
import type { SignerKey } from '../../src/domain/audit/signed.note.js';
import { MemoryJournal } from './in-memory.ports.js';
import type { TestDatabase } from './postgres.js';
import { freshDatabase } from './postgres.js';
import { ROBIN, actorOf } from './sessions.js';

export const ORIGIN = 'hallpass.example/v1/audit';

export function signerNamed(name = ORIGIN): SignerKey {
  const key = readSigner(makeKey(name).signer);
  if (typeof key === 'string') throw new Error(key);
  return key;
}

/** The audit log of a database of its own, with sequencers as replicas have them. */
export class LogLab implements AsyncDisposable {
  readonly key = signerNamed();
  readonly journal = new MemoryJournal();
  readonly store: PrismaLogStore;
  readonly audit: PrismaAuditLog;

  private constructor(
    readonly fresh: TestDatabase,
    readonly database: Database,
  ) {
    this.store = new PrismaLogStore(database);
    this.audit = new PrismaAuditLog(database);
  }

  static async start(): Promise<LogLab> {
    const fresh = await freshDatabase();
    const database = new Database({ url: fresh.serviceUrl, poolSize: 6 }, () => undefined);
    return new LogLab(fresh, database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.fresh.drop();
  }

  replica(over: Partial<ConstructorParameters<typeof SequenceLog>[0]> = {}): SequenceLog {
    return new SequenceLog({
      store: this.store,
      origin: ORIGIN,
      signers: [this.key],
      everyMs: 5,
      clock: { now: () => new Date() },
      journal: this.journal,
      ...over,
    });
  }

  async write(count: number, over: Partial<AuditFacts> = {}): Promise<AuditEntry[]> {
    const entries = Array.from({ length: count }, (_, at) =>
      auditEntry({
        at: new Date(),
        action: 'session.finish',
        outcome: 'success',
        actor: actorOf(ROBIN),
        data: { number: at, text: randomUUID() },
        ...over,
      }),
    );
    await this.database.pool.query(
      `INSERT INTO audit_events (id, at, action, session_id, body, leaf_hash)
       SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])`,
      [
        entries.map(({ id }) => id),
        entries.map(({ at }) => at),
        entries.map(({ action }) => action),
        entries.map(({ sessionId }) => sessionId),
        entries.map(({ body }) => body),
        entries.map(({ leafHash }) => leafHash),
      ],
    );
    return entries;
  }

  /** As whoever owns the database and stops at nothing: no trigger refuses them anything. */
  async asInsider(...statements: readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: this.fresh.adminUrl });
    await client.connect();
    try {
      for (const table of ['audit_events', 'audit_leaves', 'audit_nodes', 'audit_checkpoints']) {
        await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
      }
      await client.query(
        'ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS audit_events_leaf_is_of_body',
      );
      for (const statement of statements) await client.query(statement);
      for (const table of ['audit_events', 'audit_leaves', 'audit_nodes', 'audit_checkpoints']) {
        await client.query(`ALTER TABLE ${table} ENABLE TRIGGER ALL`);
      }
    } finally {
      await client.end();
    }
  }

  /** As the role that owns the tables and migrates, with all triggers in force. */
  asOwner(statement: string): Promise<unknown> {
    return asAdmin(this.fresh.ownerUrl, (client) => client.query(statement));
  }

  async count(table: string): Promise<number> {
    const { rows } = await this.database.pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${table}`,
    );
    return rows[0]?.count ?? -1;
  }
}
