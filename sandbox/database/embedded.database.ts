import { roleUrl } from './role.urls.js';
import { serverAccount } from './server.account.js';
import { serverBinaries } from './server.binaries.js';
import { ServerFolder } from './server.folder.js';
import { setUp, startServer } from './server.process.js';

export { FolderInUseError } from './folder.lock.js';

export interface EmbeddedDatabaseOptions {
  /** Where the data stays from one start to the next. Without it, in a folder that is removed at the end. */
  readonly dataDir?: string;
  /** Speed for durability: a crash of the machine may lose what was written. By default, where there is no `dataDir`. */
  readonly ephemeral?: boolean;
  /** Settings of PostgreSQL beside ours, and before them. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedDatabase {
  /** A PostgreSQL URL of the superuser, to the database `postgres`. */
  readonly adminUrl: string;
  /** The URL of a database, as the superuser or as a role made by `prepareDatabase`. */
  url(database: string, user?: string): string;
  /** Ends the server, and removes its folder if it was not given. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL 18 of its own from npm, on a free port of 127.0.0.1, with a password. It ends with this process,
 * however that ends. Works for root (the server runs as `postgres` or `nobody`) and for ordinary users.
 *
 * @throws {FolderInUseError} where another process has a server in `dataDir`.
 */
export async function startDatabase(
  options: EmbeddedDatabaseOptions = {},
): Promise<EmbeddedDatabase> {
  const { dataDir, ephemeral = dataDir === undefined, settings = {} } = options;
  const account = serverAccount();
  const binaries = serverBinaries(account);
  const folder =
    dataDir === undefined
      ? ServerFolder.throwAway(account)
      : ServerFolder.lasting(account, dataDir);
  try {
    const durability = ephemeral ? 'throw-away' : 'lasting';
    const place = { account, binaries, folder, durability, settings } as const;
    await setUp(place);
    const server = await startServer(place);
    const adminUrl = `postgresql://postgres:${folder.password()}@127.0.0.1:${server.port}/postgres`;
    let stopped: Promise<void> | undefined;
    return {
      adminUrl,
      url: (database, user) =>
        roleUrl(adminUrl, user === undefined ? { database } : { database, user }),
      stop: () => (stopped ??= server.stop().then(() => folder.release())),
    };
  } catch (error) {
    folder.release();
    throw error;
  }
}
