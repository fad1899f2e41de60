import { randomBytes } from 'node:crypto';
import { startDatabase } from '../../sandbox/database/embedded.database.js';
import { asAdmin, prepareDatabase } from '../../sandbox/database/hallpass.roles.js';
import { MIGRATIONS_DIR, migrate } from '../../src/adapters/prisma/migrate.runner.js';

export interface Template {
  readonly adminUrl: string;
  /** A migrated database that nobody may connect to, to be copied. */
  readonly name: string;
  stop(): Promise<void>;
}

/** Roles of their own: on a server that was given, there may be a Hallpass already. */
export const TEST_ROLES = { owner: 'hallpass_test_owner', service: 'hallpass_test_service' };

const PREFIX = 'hallpass_test_';
/** No run takes so long: what is older was left by one that was killed. */
const STALE_SECONDS = 6 * 3600;

/** A name for a database, from which {@link dropStale} knows its age. */
export function testDatabaseName(): string {
  const seconds = Math.trunc(Date.now() / 1000);
  return `${PREFIX}${seconds.toString(36)}_${randomBytes(5).toString('hex')}`;
}

/** A server, the one that `TEST_DATABASE_URL` names or one of its own, with a database on the newest schema. */
export async function prepareTemplate(
  given: string | undefined = process.env['TEST_DATABASE_URL'],
): Promise<Template> {
  const server = given === undefined || given === '' ? await startDatabase() : undefined;
  const adminUrl = server?.adminUrl ?? given ?? '';
  const name = testDatabaseName();
  try {
    await dropStale(adminUrl);
    const { ownerUrl, serviceUser } = await prepareDatabase({
      adminUrl,
      database: name,
      ...TEST_ROLES,
    });
    // The group belongs to whoever migrated first on this server; an administrator may always grant it.
    await asAdmin(adminUrl, async (client) => {
      const { rowCount } = await client.query(
        `SELECT FROM pg_roles WHERE rolname = 'hallpass_service'`,
      );
      if (rowCount !== 0) await client.query(`GRANT hallpass_service TO ${serviceUser}`);
    });
    const report = await migrate({
      ownerUrl,
      serviceUser,
      migrationsDir: MIGRATIONS_DIR,
      log: () => undefined,
    });
    if (report.kind === 'refused') throw new Error(report.sentence, { cause: report.cause });
    // CREATE DATABASE … TEMPLATE fails while anybody is connected to it.
    await asAdmin(adminUrl, (client) =>
      client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`),
    );
  } catch (error) {
    await server?.stop();
    throw error;
  }
  return {
    adminUrl,
    name,
    stop: async () => {
      if (server) await server.stop();
      else await dropDatabase(adminUrl, name);
    },
  };
}

export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
}

async function dropStale(adminUrl: string): Promise<void> {
  const before = Date.now() / 1000 - STALE_SECONDS;
  const names = await asAdmin(adminUrl, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE datname ~ '^${PREFIX}[0-9a-z]+_[0-9a-f]{10}$'`,
    );
    return rows.map((row) => row.datname);
  });
  for (const name of names) {
    const seconds = parseInt(name.slice(PREFIX.length).split('_')[0] ?? '', 36);
    if (seconds < before) await dropDatabase(adminUrl, name);
  }
}
