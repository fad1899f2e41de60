import type pg from 'pg';
import { z } from 'zod';
import type { MigrationFile } from './migration.files.js';

/** The part of a connection or pool that reading needs. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/**
 * Prisma's table, to the letter (measured: `prisma migrate deploy` 7.10.0 on PostgreSQL 18). A row is one attempt at a
 * migration: applied when `finished_at` is set, failed when neither that nor `rolled_back_at` is.
 */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS public."_prisma_migrations" (
    "id"                    VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum"              VARCHAR(64) NOT NULL,
    "finished_at"           TIMESTAMPTZ,
    "migration_name"        VARCHAR(255) NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        TIMESTAMPTZ,
    "started_at"            TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count"   INTEGER NOT NULL DEFAULT 0
)`;

export const MIGRATIONS_TABLE = 'public."_prisma_migrations"';
/** Where each migration says which programs of before can work with it. */
const COMPATIBILITY_TABLE = 'public."schema_compatibility"';

const attempt = z.object({
  id: z.string(),
  name: z.string(),
  checksum: z.string(),
  state: z.enum(['applied', 'failed', 'rolled-back']),
  logs: z.string().nullable(),
  startedAt: z.date(),
  /** The newest migration that a program must know to work with this one; null: this one itself. */
  needs: z.string().nullable(),
});

export type Attempt = z.infer<typeof attempt>;

export async function createTable(client: Queryable): Promise<void> {
  await client.query(CREATE_TABLE);
}

/** Every attempt, oldest first; `null` where the table does not exist. */
export async function readAttempts(client: Queryable): Promise<readonly Attempt[] | null> {
  const { rows: found } = await client.query(
    `SELECT to_regclass('${MIGRATIONS_TABLE}') IS NOT NULL AS there,
            to_regclass('${COMPATIBILITY_TABLE}') IS NOT NULL AS tells`,
  );
  const { there, tells } = z.object({ there: z.boolean(), tells: z.boolean() }).parse(found[0]);
  if (!there) return null;
  const needs = tells
    ? `(SELECT needs FROM ${COMPATIBILITY_TABLE} c WHERE c.migration = migration_name)`
    : 'NULL';
  const { rows } = await client.query(
    `SELECT id, migration_name AS name, checksum, logs, started_at AS "startedAt", ${needs} AS needs,
            CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled-back'
                 WHEN finished_at IS NOT NULL THEN 'applied'
                 ELSE 'failed' END AS state
       FROM ${MIGRATIONS_TABLE} ORDER BY started_at, migration_name`,
  );
  return z.array(attempt).parse(rows);
}

export async function recordStart(
  client: pg.ClientBase,
  attempt: { readonly id: string; readonly file: MigrationFile },
): Promise<void> {
  await change(client, {
    text: `INSERT INTO ${MIGRATIONS_TABLE} (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp())`,
    values: [attempt.id, attempt.file.checksum, attempt.file.name],
  });
}

export async function recordFinish(client: pg.ClientBase, id: string): Promise<void> {
  await change(client, {
    text: `UPDATE ${MIGRATIONS_TABLE} SET applied_steps_count = applied_steps_count + 1, finished_at = clock_timestamp() WHERE id = $1`,
    values: [id],
  });
}

/** Notes why an attempt failed, whether or not its start is still on record: its transaction may have taken it along. */
export async function recordFailure(
  client: pg.ClientBase,
  attempt: { readonly id: string; readonly file: MigrationFile; readonly logs: string },
): Promise<void> {
  await change(client, {
    text: `INSERT INTO ${MIGRATIONS_TABLE} (id, checksum, migration_name, logs) VALUES ($1, $2, $3, $4)
           ON CONFLICT (id) DO UPDATE SET logs = EXCLUDED.logs`,
    values: [attempt.id, attempt.file.checksum, attempt.file.name, attempt.logs],
  });
}

/** What `prisma migrate resolve --rolled-back` does. @returns how many failed attempts it settled. */
export async function recordRollback(client: pg.ClientBase, name: string): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE ${MIGRATIONS_TABLE} SET rolled_back_at = clock_timestamp()
      WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL`,
    [name],
  );
  return rowCount ?? 0;
}

async function change(client: pg.ClientBase, query: pg.QueryConfig): Promise<void> {
  const { rowCount } = await client.query(query);
  if (rowCount !== 1) throw new Error(`_prisma_migrations: ${rowCount ?? 0} rows written, not 1`);
}
