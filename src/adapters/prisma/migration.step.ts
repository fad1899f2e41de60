import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { dropHalfBuilt } from './interrupted.build.js';
import type { MigrationFile } from './migration.files.js';
import { recordFailure, recordFinish, recordRollback, recordStart } from './migrations.table.js';
import { isConnectionLost, settle } from './owner.connection.js';
import { sqlState } from './schema.state.js';

/** "… cannot run inside a transaction block", such as CREATE INDEX CONCURRENTLY. */
const NEEDS_NO_TRANSACTION = '25001';
/** It could not get a lock, or lost a race for one: not the migration's fault, and a second try may do. */
const TRY_AGAIN: readonly string[] = ['55P03', '40P01', '40001'];

/** Why a migration failed. */
export interface StepFailure {
  /** What PostgreSQL said, with the line of the script where it told one. */
  readonly what: string;
  /** Whether the database is as it was before the step. */
  readonly isUndone: boolean;
  /** Whether the table of migrations tells of it, so that nothing more is applied until it is settled. */
  readonly isRecorded: boolean;
  readonly cause: unknown;
}

/**
 * Applies one migration in a transaction of its own, with its row in Prisma's table: both are there or neither, even if
 * the process is killed. A script that PostgreSQL will not have in a transaction runs without, as Prisma runs it.
 *
 * @returns nothing, or why it failed. A broken connection is thrown.
 */
export async function applyMigration(
  client: pg.Client,
  file: MigrationFile,
): Promise<StepFailure | undefined> {
  const id = randomUUID();
  await settle(client);
  try {
    await client.query('BEGIN');
    await recordStart(client, { id, file });
    await client.query(file.sql);
    await finish(client, id);
    return undefined;
  } catch (cause) {
    if (isConnectionLost(cause)) throw cause;
    // A script with a COMMIT of its own has ended our transaction: then there is nothing left to undo.
    const isUndone = await undo(client);
    if (isUndone && sqlState(cause) === NEEDS_NO_TRANSACTION) {
      return applyWithoutTransaction(client, file);
    }
    const isRecorded = !(isUndone && TRY_AGAIN.includes(sqlState(cause)));
    const failure = { what: said(cause, file), isUndone, isRecorded, cause };
    if (isRecorded) await recordFailure(client, { id, file, logs: logsOf(failure) });
    return failure;
  }
}

async function applyWithoutTransaction(
  client: pg.Client,
  file: MigrationFile,
): Promise<StepFailure | undefined> {
  const id = randomUUID();
  await settle(client);
  await recordStart(client, { id, file });
  try {
    await dropHalfBuilt(client, file);
    await client.query(file.sql);
  } catch (cause) {
    if (isConnectionLost(cause)) throw cause;
    const isRecorded = !TRY_AGAIN.includes(sqlState(cause));
    const failure = { what: said(cause, file), isUndone: false, isRecorded, cause };
    await recordFailure(client, { id, file, logs: logsOf(failure) });
    if (!isRecorded) await recordRollback(client, file.name);
    return failure;
  }
  await recordFinish(client, id);
  return undefined;
}

async function finish(client: pg.Client, id: string): Promise<void> {
  // The script may have left another role or search path behind.
  await settle(client);
  await recordFinish(client, id);
  if (client.getTransactionStatus() !== 'I') await client.query('COMMIT');
}

/** @returns whether there was a transaction to undo. */
async function undo(client: pg.Client): Promise<boolean> {
  if (client.getTransactionStatus() === 'I') return false;
  await client.query('ROLLBACK');
  return true;
}

function said(error: unknown, { sql }: MigrationFile): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  const position = 'position' in error ? Number(error.position) : NaN;
  const line = Number.isInteger(position) ? sql.slice(0, position).split('\n').length : undefined;
  const code = sqlState(error);
  return `${message}${code === '' ? '' : ` (${code})`}${line === undefined ? '' : `, line ${line}`}`;
}

function logsOf({ what, isUndone }: Pick<StepFailure, 'what' | 'isUndone'>): string {
  return `ERROR: ${what}\n${isUndone ? 'It was undone whole.' : 'It may have been applied in part.'}`;
}
