import pg from 'pg';
import { rolePassword, roleUrl } from './role.urls.js';

export interface PreparedDatabase {
  /** As the role that migrates: owns the database, may create roles, is no superuser. */
  readonly ownerUrl: string;
  /** As the role that serves: may nothing until a migration lets it. */
  readonly serviceUrl: string;
  readonly serviceUser: string;
}

export interface PreparationOptions {
  /** A PostgreSQL URL of a superuser. */
  readonly adminUrl: string;
  readonly database: string;
  readonly owner?: string;
  readonly service?: string;
  /** A database to copy; nobody may be connected to it. */
  readonly template?: string;
}

/** One at a time among those that share a server: any number in PostgreSQL's 64 bits that nobody else uses. */
const PREPARATION_LOCK = 4851772911;

/** Makes the two roles and the database, where they do not exist yet. */
export async function prepareDatabase(options: PreparationOptions): Promise<PreparedDatabase> {
  const { adminUrl, database, owner = 'hallpass_owner', service = 'hallpass' } = options;
  await asAdmin(adminUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [PREPARATION_LOCK]);
    await makeRole(client, { adminUrl, name: owner, rights: 'CREATEROLE' });
    await makeRole(client, { adminUrl, name: service, rights: 'NOCREATEROLE' });
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [
      database,
    ]);
    if (rowCount === 0)
      await createDatabase(client, { database, owner, template: options.template });
  });
  return {
    ownerUrl: roleUrl(adminUrl, { database, user: owner }),
    serviceUrl: roleUrl(adminUrl, { database, user: service }),
    serviceUser: service,
  };
}

export async function createDatabase(
  client: pg.ClientBase,
  it: { readonly database: string; readonly owner: string; readonly template?: string | undefined },
): Promise<void> {
  const template = it.template === undefined ? '' : ` TEMPLATE ${ident(it.template)}`;
  await client.query(`CREATE DATABASE ${ident(it.database)} OWNER ${ident(it.owner)}${template}`);
}

/** Connects as the superuser, does the work and disconnects. */
export async function asAdmin<T>(
  adminUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function makeRole(
  client: pg.Client,
  { adminUrl, name, rights }: { adminUrl: string; name: string; rights: string },
): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
  const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
  const password = pg.escapeLiteral(rolePassword(adminUrl, name));
  await client.query(`${verb} ROLE ${ident(name)} LOGIN ${rights} PASSWORD ${password}`);
}

function ident(name: string): string {
  return pg.escapeIdentifier(name);
}
