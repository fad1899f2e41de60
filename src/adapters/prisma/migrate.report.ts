import type { SchemaState } from './schema.state.js';

/** Why nothing, or not everything, was migrated. */
export type MigrationRefusalReason =
  /** The database cannot be reached, or does not take the owner's name and password. */
  | 'unreachable'
  /** PostgreSQL is older than 15. */
  | 'server-too-old'
  /** The owner role lacks a right that migrating needs. */
  | 'not-allowed'
  /** The database holds tables of somebody else and none of ours. */
  | 'not-empty'
  /** Another migration of this database has not ended in the time allowed. */
  | 'locked'
  /** The schema is newer, changed, or was left by a failed migration. */
  | 'schema'
  /** A migration failed just now. */
  | 'failed';

export interface MigrationRefusal {
  readonly kind: 'refused';
  readonly reason: MigrationRefusalReason;
  /** One sentence or two for the operator: what is so, and what to do. Holds no password. */
  readonly sentence: string;
  /** What was applied before it stopped. */
  readonly applied: readonly string[];
  readonly cause?: unknown;
}

export interface Migrated {
  readonly kind: 'migrated';
  /** The names of the migrations that were applied now, in order. */
  readonly applied: readonly string[];
  /** With `dryRun`: what would have been applied. Empty otherwise. */
  readonly wouldApply: readonly string[];
  readonly state: SchemaState;
}

export type MigrationReport = Migrated | MigrationRefusal;

export function refusal(
  reason: MigrationRefusalReason,
  sentence: string,
  more: { applied?: readonly string[]; cause?: unknown } = {},
): MigrationRefusal {
  return { kind: 'refused', reason, sentence, applied: [], ...more };
}
