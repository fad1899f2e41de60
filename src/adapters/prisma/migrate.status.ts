import { isChecksumOf, readMigrations } from './migration.files.js';
import { interruptedBuilds } from './interrupted.build.js';
import { interruptedSentence, unsettledSentence } from './migrate.runner.js';
import type { MigrationRefusal } from './migrate.report.js';
import { readAttempts } from './migrations.table.js';
import type { Attempt } from './migrations.table.js';
import { asOwner } from './owner.connection.js';
import { schemaSentence, stateOf } from './schema.state.js';
import type { SchemaState } from './schema.state.js';

export interface MigrationStatus {
  readonly kind: 'status';
  readonly state: SchemaState;
  /** What is so and what to do. */
  readonly sentence: string;
  /** Each migration that either the database or this program knows, in order. */
  readonly migrations: readonly {
    readonly name: string;
    readonly standing: 'applied' | 'missing' | 'failed' | 'changed' | 'unknown';
  }[];
}

/** How a database stands, asked as the owner. Changes nothing, and does not wait for a migration under way. */
export async function migrationStatus({
  ownerUrl,
  migrationsDir,
}: {
  readonly ownerUrl: string;
  readonly migrationsDir: string;
}): Promise<MigrationStatus | MigrationRefusal> {
  const files = await readMigrations(migrationsDir);
  return asOwner(ownerUrl, async (client) => {
    const attempts = (await readAttempts(client)) ?? [];
    const state = stateOf(files, attempts);
    const builds = await interruptedBuilds(client, files, attempts);
    const failed = attempts.filter((it) => it.state === 'failed');
    const names = new Set([...files, ...attempts].map((it) => it.name));
    const migrations = [...names].sort().map((name) => ({ name, standing: standing(name) }));
    // What only people can settle is told before what settles itself.
    const isSettling = ({ id }: Attempt) => builds.some(({ attempt }) => attempt.id === id);
    const unsettled = failed.find((it) => !isSettling(it));
    const sentence =
      (unsettled && unsettledSentence(unsettled)) ??
      (builds[0] && interruptedSentence(builds[0])) ??
      schemaSentence(state);
    return { kind: 'status', state, sentence, migrations };

    function standing(name: string): MigrationStatus['migrations'][number]['standing'] {
      const file = files.find((it) => it.name === name);
      const counts = (it: Attempt): boolean => it.name === name && it.state !== 'rolled-back';
      const attempt = attempts.find(counts);
      if (attempt?.state === 'failed') return 'failed';
      if (!file) return 'unknown';
      if (!attempt) return 'missing';
      return isChecksumOf(attempt.checksum, file) ? 'applied' : 'changed';
    }
  });
}
