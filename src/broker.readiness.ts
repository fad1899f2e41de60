import type { ReadinessCheck } from './adapters/http/management.server.js';
import type { Database } from './adapters/prisma/database.js';
import { MIGRATIONS_DIR, schemaSentence, schemaState } from './adapters/prisma/migrate.runner.js';
import type { Journal } from './app/ports/journal.js';

/** Whether this replica can serve, for whoever asks: what PostgreSQL says stays in the log. */
export async function databaseReadiness(
  database: Database,
  journal: Journal,
): Promise<Awaited<ReturnType<ReadinessCheck['check']>>> {
  try {
    const state = await schemaState(database.pool, MIGRATIONS_DIR);
    if (state.kind === 'ahead') return { ok: true, note: schemaSentence(state) };
    return state.kind === 'current' ? true : schemaSentence(state);
  } catch (error) {
    journal.warn({ err: error }, 'the database does not answer');
    return 'does not answer';
  }
}
