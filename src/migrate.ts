import { parseArgs } from 'node:util';
import type { MigrationRefusalReason } from './adapters/prisma/migrate.report.js';
import {
  isWorkable,
  MIGRATIONS_DIR,
  migrate,
  schemaSentence,
} from './adapters/prisma/migrate.runner.js';
import { migrationStatus } from './adapters/prisma/migrate.status.js';
import { configProblemText, isConfigProblem } from './config/config.problem.js';
import { loadDatabaseConfig } from './config/load.config.js';

const HELP = `Brings the database to the schema of this program.

  hallpass-server migrate                         apply what is missing
  hallpass-server migrate --dry-run               say what would be applied, and change nothing
  hallpass-server migrate --status                say how the database stands
  hallpass-server migrate --rolled-back <name>    settle a failed migration of which nothing is left, and go on

In a checkout, \`npm run migrate -- --status\` and so on.

Reads the section \`database\` of the configuration: \`ownerUrl\` (or HALLPASS_DATABASE__OWNER_URL) is the role that owns
the tables, the user in \`url\` (or \`serviceUser\`) the role that serves.

Exit codes: 0 the schema is current, 1 a migration failed, 2 wrong arguments or configuration, 3 the schema forbids it
(newer than this program can work with, changed, or a failed migration not settled), 4 the database does not let us, 5 migrations are missing (--status).`;

const EXIT = { done: 0, failed: 1, usage: 2, schema: 3, database: 4, missing: 5 } as const;

const EXIT_BY_REASON = {
  unreachable: EXIT.database,
  'server-too-old': EXIT.database,
  'not-allowed': EXIT.database,
  'not-empty': EXIT.database,
  locked: EXIT.database,
  schema: EXIT.schema,
  failed: EXIT.failed,
} as const satisfies Record<MigrationRefusalReason, number>;

/** Migrates. @returns what the process should end with, as the help says; a bug is thrown. */
export async function runMigrate(argv: readonly string[]): Promise<number> {
  const args = readArguments(argv);
  if (typeof args === 'string') {
    return stop(`${args} (see hallpass-server migrate --help)`, EXIT.usage);
  }
  if (args.help) {
    say(HELP);
    return EXIT.done;
  }
  const database = loadDatabaseConfig();
  if (isConfigProblem(database)) return stop(configProblemText(database), EXIT.usage);
  if (database.ownerUrl === null) {
    const sentence = 'database.ownerUrl: is missing (variable HALLPASS_DATABASE__OWNER_URL)';
    return stop(`${sentence}: migrations run as the role that owns the tables.`, EXIT.usage);
  }
  const where = { ownerUrl: database.ownerUrl.reveal(), migrationsDir: MIGRATIONS_DIR };
  if (args.status) return status(where);

  const report = await migrate({
    ...where,
    serviceUser: database.serviceUser,
    log: say,
    isDryRun: args['dry-run'],
    rolledBack: args['rolled-back'],
  });
  if (report.kind === 'refused') return stop(report.sentence, EXIT_BY_REASON[report.reason]);
  if (args['dry-run']) report.wouldApply.forEach((name) => say(`Would apply ${name}.`));
  if (report.state.kind === 'ahead') say(schemaSentence(report.state));
  const isCurrent = report.applied.length + report.wouldApply.length === 0;
  if (isCurrent) say('The schema is current: nothing to apply.');
  return EXIT.done;
}

async function status(where: Parameters<typeof migrationStatus>[0]): Promise<number> {
  const found = await migrationStatus(where);
  if (found.kind === 'refused') return stop(found.sentence, EXIT_BY_REASON[found.reason]);
  for (const { standing, name } of found.migrations) say(`${standing.padEnd(8)} ${name}`);
  say(found.sentence);
  if (isWorkable(found.state)) return EXIT.done;
  return found.state.kind === 'older' ? EXIT.missing : EXIT.schema;
}

function readArguments(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        status: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        'rolled-back': { type: 'string' },
      },
    });
    const chosen = [values.status, values['dry-run'], values['rolled-back'] !== undefined];
    return chosen.filter(Boolean).length > 1
      ? 'Give one of --status, --dry-run and --rolled-back.'
      : values;
  } catch (error) {
    if (error instanceof TypeError && 'code' in error)
      return `${error.message.split('.')[0] ?? ''}.`;
    throw error;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function stop(sentence: string, code: number): number {
  process.stderr.write(`${sentence}\n`);
  return code;
}
