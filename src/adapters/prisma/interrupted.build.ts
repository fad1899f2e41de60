import type pg from 'pg';
import { isChecksumOf } from './migration.files.js';
import type { MigrationFile } from './migration.files.js';
import { recordFinish, recordRollback } from './migrations.table.js';
import type { Attempt } from './migrations.table.js';
import { one } from './owner.connection.js';

/** A script that is one statement alone, and builds an index outside a transaction: the index's name, and its table's. */
const BUILDS_APART =
  /^(?:\s*--.*\r?\n)*\s*CREATE (?:UNIQUE )?INDEX CONCURRENTLY ("?\w+"?) ON ("?\w+"?)[^;]*;?\s*$/i;

/** What there is of the index that a script builds apart. */
type Built = 'nothing' | 'half' | 'whole';

/** A failed attempt at a build that needs nobody to settle it, and how it is settled. */
export interface InterruptedBuild {
  readonly attempt: Attempt;
  /** Nothing that serves is there, and it is built anew; or it was built whole, and only nobody was left to say so. */
  readonly became: 'rolled-back' | 'applied';
}

/**
 * Which of the failed attempts are builds of an index that were cut short, as by a program or server that was killed:
 * such a script is one statement, of which PostgreSQL leaves an index that is whole, one that it calls invalid, or none.
 * What was told an error by a script that left none, or met an index that was whole already, is somebody's to look at.
 */
export async function interruptedBuilds(
  client: pg.ClientBase,
  files: readonly MigrationFile[],
  attempts: readonly Attempt[],
): Promise<readonly InterruptedBuild[]> {
  const found: InterruptedBuild[] = [];
  for (const attempt of attempts.filter((it) => it.state === 'failed')) {
    const file = files.find((it) => it.name === attempt.name);
    if (!file || !isChecksumOf(attempt.checksum, file)) continue;
    const built = await builtBy(client, file);
    const isErrorTold = attempt.logs !== null && attempt.logs !== '';
    if (built === undefined || (isErrorTold && built !== 'half')) continue;
    found.push({ attempt, became: built === 'whole' ? 'applied' : 'rolled-back' });
  }
  return found;
}

/** Writes down what became of it. What is half built is taken away by the next attempt. */
export async function settleBuild(
  client: pg.ClientBase,
  { attempt, became }: InterruptedBuild,
): Promise<void> {
  if (became === 'applied') await recordFinish(client, attempt.id);
  else await recordRollback(client, attempt.name);
}

/**
 * Takes away what a build of the same index left that did not end, because of a lock or because the program was killed: it
 * serves no search, costs whoever writes, and has the name.
 */
export async function dropHalfBuilt(client: pg.ClientBase, file: MigrationFile): Promise<void> {
  const [, index = ''] = BUILDS_APART.exec(file.sql) ?? [];
  if ((await builtBy(client, file)) === 'half') {
    await client.query(`DROP INDEX CONCURRENTLY ${index}`);
  }
}

/** @returns `undefined` where the script is none that builds an index apart. */
async function builtBy(client: pg.ClientBase, { sql }: MigrationFile): Promise<Built | undefined> {
  const [, index, table] = BUILDS_APART.exec(sql) ?? [];
  if (index === undefined || table === undefined) return undefined;
  const isWhole = await one(
    client,
    `SELECT (SELECT indisvalid FROM pg_index
      WHERE indexrelid = to_regclass($1) AND indrelid = to_regclass($2)) AS value`,
    [index, table],
  );
  if (isWhole === null) return 'nothing';
  return isWhole === true ? 'whole' : 'half';
}
