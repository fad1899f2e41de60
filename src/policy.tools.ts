import type { PolicyCommandDeps } from './adapters/cli/policy.commands.js';
import { loadPolicyFolders } from './adapters/policy/policy.folder.js';
import { unreadableFolders } from './adapters/policy/test.folder.js';
import { Database, isDatabaseDown } from './adapters/prisma/database.js';
import {
  isWorkable,
  MIGRATIONS_DIR,
  schemaSentence,
  schemaState,
} from './adapters/prisma/migrate.runner.js';
import { PrismaPastDecisions } from './adapters/prisma/prisma-past.decisions.js';
import { DiffPolicies } from './app/diff-policies.js';
import { withoutClientVariables } from './config/client.environment.js';
import { configProblemText, isConfigProblem } from './config/config.problem.js';
import { loadDatabaseConfig } from './config/load.config.js';

export { loadPolicyTests, readYamlFile } from './adapters/policy/test.folder.js';

/** The one place where folders become a set. */
export async function loadPolicies(
  folders: readonly string[],
): Promise<Awaited<ReturnType<PolicyCommandDeps['loadPolicies']>>> {
  const unreadable = await unreadableFolders(folders);
  if (unreadable.length > 0) return { unreadable };
  return loadPolicyFolders(folders);
}

/** Makes the past decisions of the database again. */
export async function diffPolicies({
  databaseUrlFile,
  ...args
}: Parameters<PolicyCommandDeps['diff']>[0]): ReturnType<PolicyCommandDeps['diff']> {
  const config =
    databaseUrlFile === undefined
      ? loadDatabaseConfig(withoutClientVariables())
      : loadDatabaseConfig({ HALLPASS_DATABASE__URL_FILE: databaseUrlFile });
  if (isConfigProblem(config)) return { unreadable: [configProblemText(config)] };
  await using opened = new AsyncDisposableStack();
  const database = new Database({ url: config.url.reveal(), poolSize: 1 }, () => undefined);
  opened.defer(() => database.close());
  try {
    const state = await schemaState(database.pool, MIGRATIONS_DIR);
    if (!isWorkable(state)) return { unreadable: [schemaSentence(state)] };
  } catch (error) {
    // PostgreSQL's own words name roles and databases, never passwords.
    const said = error instanceof Error ? error.message : String(error);
    return { unreadable: [`The database does not let us in (${said}).`] };
  }
  try {
    return await new DiffPolicies(new PrismaPastDecisions(database)).diff(args);
  } catch (error) {
    if (!isDatabaseDown(error)) throw error;
    return { unreadable: ['The database went away while decisions were read: run it again.'] };
  }
}
