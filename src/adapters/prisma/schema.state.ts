import { isChecksumOf, readMigrations } from './migration.files.js';
import type { MigrationFile } from './migration.files.js';
import type { Attempt, Queryable } from './migrations.table.js';
import { readAttempts } from './migrations.table.js';

/** How the schema of a database stands to the migrations of this program. */
export type SchemaState =
  | { readonly kind: 'current' }
  /** Migrations of this program have not been applied. */
  | { readonly kind: 'older'; readonly missing: readonly string[] }
  /** Migrations were applied that this program does not know, and can work with. */
  | { readonly kind: 'ahead'; readonly unknown: readonly string[] }
  /** Migrations were applied that this program does not know, and of which none says that it can work with them. */
  | { readonly kind: 'newer'; readonly unknown: readonly string[] }
  /** A migration was begun, did not finish, and nobody has said what became of it. */
  | { readonly kind: 'failed'; readonly migration: string }
  /** A migration was applied with another text than this program has for it. */
  | { readonly kind: 'changed'; readonly migration: string }
  /** The role that asks may not read the table of migrations. */
  | { readonly kind: 'unreadable' };

/**
 * Compares a database with the migrations in a folder. The service's own role may ask this: `migrate` lets it read the
 * table of migrations.
 *
 * @throws what the connection throws where the database cannot be asked.
 */
export async function schemaState(db: Queryable, migrationsDir: string): Promise<SchemaState> {
  const files = await readMigrations(migrationsDir);
  try {
    return stateOf(files, (await readAttempts(db)) ?? []);
  } catch (error) {
    if (sqlState(error) === INSUFFICIENT_PRIVILEGE) return { kind: 'unreadable' };
    throw error;
  }
}

/** The state as a sentence for the operator, with what to run where something must be done. */
export function schemaSentence(state: SchemaState): string {
  const { seen, advice } = schemaWords(state);
  const said = seen.charAt(0).toUpperCase() + seen.slice(1);
  return advice === null ? `${said}.` : `${said}: ${advice}.`;
}

/** The same in two halves: what is seen, and what to do; null: nothing. */
export function schemaWords(state: SchemaState): {
  readonly seen: string;
  readonly advice: string | null;
} {
  switch (state.kind) {
    case 'current':
      return { seen: 'the schema of the database is current', advice: null };
    case 'older':
      return {
        seen: `the schema of the database is older than this program (missing: ${list(state.missing)})`,
        advice: 'run `hallpass-server migrate` (npm run migrate)',
      };
    case 'ahead':
      return {
        seen: `the schema of the database is newer than this program, which can work with it (not known here: ${list(state.unknown)})`,
        advice: null,
      };
    case 'newer':
      return {
        seen: `the schema of the database is newer than this program, or another program's (unknown: ${list(state.unknown)})`,
        advice: 'run the version of Hallpass that made it, or a later one',
      };
    case 'failed':
      return {
        seen: `the migration ${state.migration} was begun and did not finish`,
        advice:
          'run `hallpass-server migrate --status` (npm run migrate -- --status), which says why and what to do',
      };
    case 'changed':
      return {
        seen: `the migration ${state.migration} was applied with another text than this program has for it`,
        advice: 'run the version of Hallpass that made the schema, or put the file back as it was',
      };
    case 'unreadable':
      return {
        seen: 'the role that serves may not read the table of migrations',
        advice: 'run `hallpass-server migrate` (npm run migrate), which allows it',
      };
  }
}

/** Of several things that are wrong, the one that must be settled first. */
export function stateOf(
  files: readonly MigrationFile[],
  attempts: readonly Attempt[],
): SchemaState {
  const known = new Set(files.map((file) => file.name));
  const isBearable = ({ name, needs }: Attempt): boolean =>
    !known.has(name) && needs !== null && known.has(needs);
  // One that a newer program is at, and that this one can work with, done or not, is not this one's to settle.
  const failed = attempts.find((it) => it.state === 'failed' && !isBearable(it));
  if (failed) return { kind: 'failed', migration: failed.name };

  const settled = attempts.filter((it) => it.state === 'applied');
  const applied = new Map(settled.map((it) => [it.name, it.checksum]));
  const others = settled.filter(({ name }) => !known.has(name));
  const unknown = others.map(({ name }) => name);
  if (!others.every(isBearable)) return { kind: 'newer', unknown };

  const changed = files.find((file) => {
    const checksum = applied.get(file.name);
    return checksum !== undefined && !isChecksumOf(checksum, file);
  });
  if (changed) return { kind: 'changed', migration: changed.name };

  const missing = files.map((file) => file.name).filter((name) => !applied.has(name));
  if (missing.length > 0) return { kind: 'older', missing };
  return unknown.length > 0 ? { kind: 'ahead', unknown } : { kind: 'current' };
}

/** Whether this program works with a schema that stands so: its own, or a newer one that lets it. */
export function isWorkable(state: SchemaState): boolean {
  return state.kind === 'current' || state.kind === 'ahead';
}

export const INSUFFICIENT_PRIVILEGE = '42501';

/** The SQLSTATE of an error of PostgreSQL; empty for any other. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const NAMES_MAX = 5;

function list(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return names.slice(0, NAMES_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
