import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { interruptedBuilds, settleBuild } from './interrupted.build.js';
import type { InterruptedBuild } from './interrupted.build.js';
import { readMigrations } from './migration.files.js';
import type { MigrationFile } from './migration.files.js';
import { applyMigration } from './migration.step.js';
import type { StepFailure } from './migration.step.js';
import { createTable, readAttempts, recordRollback } from './migrations.table.js';
import type { Attempt } from './migrations.table.js';
import { refusal } from './migrate.report.js';
import type { MigrationRefusal, MigrationReport } from './migrate.report.js';
import { asOwner, one } from './owner.connection.js';
import { isWorkable, schemaSentence, stateOf } from './schema.state.js';
import { grantService, whyNotAllowed } from './service.grants.js';

export { isWorkable, schemaSentence, schemaState } from './schema.state.js';

/** Where the migrations of this program are: above this file, whether it runs from source or built. */
export const MIGRATIONS_DIR = findMigrations(import.meta.dirname);

/** The lock that `prisma migrate` takes, so that the two never run at once (schema-engine, `pg_advisory_lock`). */
const PRISMA_LOCK = 72707369;
const LOCK_WAIT_MS = 60_000;
const LOCK_LOOK_MS = 200;

export interface MigrateOptions {
  /** A PostgreSQL URL of the role that owns the tables. Secret: no sentence repeats its password. */
  readonly ownerUrl: string;
  readonly migrationsDir: string;
  /** The login role of the service, which becomes a member of `hallpass_service`. Must exist. */
  readonly serviceUser?: string | undefined;
  readonly log: (line: string) => void;
  /** Say what would be applied, and change nothing. */
  readonly isDryRun?: boolean;
  /** A failed migration of which the database holds nothing any more; it is applied anew. */
  readonly rolledBack?: string | undefined;
  /** How long another migration of the same database is waited for. */
  readonly lockWaitMs?: number;
}

/**
 * Brings a database to the newest schema in Prisma's own manner, so that `prisma migrate deploy` and `status` agree
 * with it: same table, same checksums, same lock. Whatever can be expected to be wrong comes back as a refusal.
 */
export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  const files = await readMigrations(options.migrationsDir);
  return asOwner(options.ownerUrl, async (client) => {
    const why = await whyNotAllowed(client, options.serviceUser);
    if (why) return why;
    if (options.isDryRun) return dryRun(client, files);
    const locked = await lock(client, options);
    if (locked) return locked;
    await createTable(client);
    return migrateLocked(client, files, options);
  });
}

async function migrateLocked(
  client: pg.Client,
  files: readonly MigrationFile[],
  options: MigrateOptions,
): Promise<MigrationReport> {
  const { rolledBack, serviceUser, log } = options;
  if (rolledBack !== undefined && (await recordRollback(client, rolledBack)) === 0) {
    return refusal('schema', `There is no failed migration named ${rolledBack}: nothing was done.`);
  }
  const found = (await readAttempts(client)) ?? [];
  const builds = await interruptedBuilds(client, files, found);
  const before = settled(found, builds);
  const refused = refusedState(files, before);
  if (refused) return refused;
  for (const build of builds) {
    await settleBuild(client, build);
    log(settledSentence(build));
  }

  const applied: string[] = [];
  let failed: MigrationRefusal | undefined;
  for (const file of missing(files, before)) {
    const failure = await applyMigration(client, file);
    if (failure) {
      const left = await interruptedBuilds(client, [file], (await readAttempts(client)) ?? []);
      const sentence = failureSentence(file.name, { ...failure, isBuild: left.length > 0 });
      failed = refusal('failed', sentence, { applied, cause: failure.cause });
      break;
    }
    applied.push(file.name);
    log(`Applied ${file.name}.`);
  }
  // After a failure too: the service has to be able to see that there was one.
  const ungranted = await grantService(client, { serviceUser, log });
  if (failed) return failed;
  if (ungranted) return { ...ungranted, applied };
  const after = stateOf(files, (await readAttempts(client)) ?? []);
  return { kind: 'migrated', applied, wouldApply: [], state: after };
}

async function dryRun(
  client: pg.Client,
  files: readonly MigrationFile[],
): Promise<MigrationReport> {
  const found = (await readAttempts(client)) ?? [];
  const attempts = settled(found, await interruptedBuilds(client, files, found));
  const refused = refusedState(files, attempts);
  if (refused) return refused;
  const wouldApply = missing(files, attempts).map((file) => file.name);
  return { kind: 'migrated', applied: [], wouldApply, state: stateOf(files, attempts) };
}

/** The attempts as they are once the builds that were interrupted are settled. */
function settled(
  attempts: readonly Attempt[],
  builds: readonly InterruptedBuild[],
): readonly Attempt[] {
  const became = new Map(builds.map((it) => [it.attempt.id, it.became]));
  return attempts.map((it) => ({ ...it, state: became.get(it.id) ?? it.state }));
}

function settledSentence({ attempt: { name }, became }: InterruptedBuild): string {
  return became === 'applied'
    ? `The migration ${name} had been interrupted when its index was whole: it is applied.`
    : `The migration ${name} had been interrupted: what it left of its index goes, and it is built anew.`;
}

function refusedState(
  files: readonly MigrationFile[],
  attempts: readonly Attempt[],
): MigrationRefusal | undefined {
  const state = stateOf(files, attempts);
  if (isWorkable(state) || state.kind === 'older') return undefined;
  const failed = attempts.find((it) => it.state === 'failed');
  return refusal('schema', failed ? unsettledSentence(failed) : schemaSentence(state));
}

/** What is to be done about a build that was cut short. */
export function interruptedSentence({ attempt }: InterruptedBuild): string {
  const mend = attempt.logs ? 'mend the cause, and ' : '';
  return `${unfinished(attempt)}: ${mend}run \`hallpass-server migrate\`, which waits for what is under way and settles the rest.`;
}

/** What is to be done about a failed attempt that nobody has settled. */
export function unsettledSentence(attempt: Attempt): string {
  const { name, logs } = attempt;
  const isUndone = logs?.includes('undone whole') ?? false;
  return (
    `${unfinished(attempt)}: mend the cause${isUndone ? '' : ', remove what the migration left behind'}, and run ` +
    `\`hallpass-server migrate --rolled-back ${name}\`.`
  );
}

function unfinished({ name, startedAt, logs }: Attempt): string {
  const why = logs === null || logs === '' ? 'nothing says why' : (logs.split('\n')[0] ?? '');
  return `The migration ${name} was begun at ${startedAt.toISOString()} and did not finish (${why})`;
}

function failureSentence(
  name: string,
  { what, isUndone, isRecorded, isBuild }: StepFailure & { readonly isBuild: boolean },
): string {
  if (!isRecorded) {
    const undone = isUndone ? ' and was undone whole' : '';
    return `The migration ${name} could not get its locks${undone} (${what}): run it again when the database is quieter.`;
  }
  if (isBuild) {
    return `The migration ${name} failed: ${what}. Mend the cause, and run it again, which takes away what is left of its index.`;
  }
  const left = isUndone
    ? 'It was undone whole: mend the cause'
    : 'It may have been applied in part: mend the cause, remove what it left behind';
  return `The migration ${name} failed: ${what}. ${left}, and run \`hallpass-server migrate --rolled-back ${name}\`.`;
}

function missing(
  files: readonly MigrationFile[],
  attempts: readonly Attempt[],
): readonly MigrationFile[] {
  const applied = new Set(attempts.filter((it) => it.state === 'applied').map((it) => it.name));
  return files.filter((file) => !applied.has(file.name));
}

/**
 * Asks again and again rather than wait inside PostgreSQL: a waiting query holds a snapshot, and CREATE INDEX
 * CONCURRENTLY in the migration that it waits for would wait for that snapshot, for ever.
 */
async function lock(
  client: pg.Client,
  options: MigrateOptions,
): Promise<MigrationRefusal | undefined> {
  const { lockWaitMs = LOCK_WAIT_MS, log } = options;
  const until = performance.now() + lockWaitMs;
  let isTold = false;
  while ((await one(client, 'SELECT pg_try_advisory_lock($1) AS value', [PRISMA_LOCK])) !== true) {
    if (performance.now() >= until) {
      const sentence = `Another migration of this database is under way and has not ended within ${lockWaitMs / 1000} s: run this again when it has.`;
      return refusal('locked', sentence);
    }
    if (!isTold) log('Another migration of this database is under way: waiting for it to end.');
    isTold = true;
    await pause(LOCK_LOOK_MS);
  }
  return undefined;
}

function findMigrations(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const here = join(folder, 'prisma', 'migrations');
    if (existsSync(here)) return here;
    if (folder === dirname(folder)) throw new Error(`prisma/migrations is not above ${from}`);
  }
}
