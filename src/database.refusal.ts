import type { Database } from './adapters/prisma/database.js';
import {
  isWorkable,
  MIGRATIONS_DIR,
  schemaSentence,
  schemaState,
} from './adapters/prisma/migrate.runner.js';
import { roleRefusal } from './adapters/prisma/role.rights.js';
import { writeBar } from './adapters/prisma/write.bar.js';

/** Why the database cannot be served from, as a sentence; undefined where it can. */
export async function databaseRefusal({
  pool,
}: Pick<Database, 'pool'>): Promise<string | undefined> {
  try {
    const state = await schemaState(pool, MIGRATIONS_DIR);
    if (isWorkable(state)) return (await roleRefusal(pool)) ?? (await writeRefusal(pool));
    // A role that may not even read which migrations there were lacks more than that, if they were.
    const lacking =
      state.kind === 'unreadable' ? await roleRefusal(pool).catch(unasked) : undefined;
    return lacking ?? schemaSentence(state);
  } catch (error) {
    // PostgreSQL's own words name roles and databases, never passwords.
    const said = error instanceof Error ? error.message : String(error);
    return `The database does not let us in (${said}): check \`database.url\`, and that it runs.`;
  }
}

async function writeRefusal(pool: Database['pool']): Promise<string | undefined> {
  const bar = await writeBar(pool);
  return bar === null
    ? undefined
    : `The database cannot be served from, for ${bar.seen}: ${bar.advice}.`;
}

function unasked(): undefined {
  return undefined;
}
