import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ApiClient } from '../sandbox/broker/api.client.js';
import { writeBrokerConfig } from '../sandbox/broker/broker.config.js';
import { RawClient } from '../sandbox/cluster/raw.client.js';
import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import { startDatabase } from '../sandbox/database/embedded.database.js';
import { prepareDatabase } from '../sandbox/database/hallpass.roles.js';
import { PEOPLE } from '../sandbox/identity/people.js';
import { PROJECT_ROOT } from '../sandbox/project.root.js';
import { startSandbox } from '../sandbox/sandbox.js';
import { Database } from '../src/adapters/prisma/database.js';
import { migrate, MIGRATIONS_DIR } from '../src/adapters/prisma/migrate.runner.js';
import { startBrokerProcess } from './broker.process.js';

/** The namespace in which the policies of the benchmark grant everybody a session at once. */
export const NAMESPACE = 'staging';

/** The pool of the broker's own configuration, which the sandbox writes. */
const POOL_SIZE = 10;

/** All that sessions need, on this machine's loopback, with the broker as a process of its own. */
export interface Stage extends AsyncDisposable {
  readonly cluster: StandInCluster;
  /** The API as each of the people of the sandbox uses it. */
  readonly clients: readonly ApiClient[];
  /** The broker's database through a pool like its own. It has a table `bench (line text)` for us. */
  readonly database: Database;
  readonly postgresql: string;
}

/** Starts it all. PostgreSQL is as durable as it is by default: what is committed is on the disk. */
export async function startStage(say: (what: string) => void): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-bench-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  // PostgreSQL may have to run as another user, who walks through here.
  await chmod(folder, 0o711);
  say('starting PostgreSQL');
  const server = await startDatabase({ dataDir: join(folder, 'postgresql') });
  opened.defer(() => server.stop());
  const databaseUrl = await migratedDatabase(server.adminUrl);
  const sandbox = await startSandbox({ databaseUrl, say: (what) => say(`starting ${what}`) });
  opened.defer(() => sandbox.close());
  await emptied(sandbox.cluster);
  say('starting broker');
  const { path } = await writeBrokerConfig({
    ...sandbox.surroundings,
    folder: join(folder, 'broker'),
    policies: join(PROJECT_ROOT, 'bench', 'policies'),
    log: { level: 'info' },
  });
  // One person may hold 20 streams of events: everybody asks, so that there can be more.
  const broker = await startBrokerProcess(path, { HALLPASS_IDENTITY__ROLES__REQUESTER: '["*"]' });
  opened.defer(() => broker.stop());
  const database = new Database({ url: databaseUrl, poolSize: POOL_SIZE }, () => undefined);
  opened.defer(() => database.close());
  const { rows } = await database.pool.query<{ server_version: string }>('SHOW server_version');
  const tokens = Object.values(PEOPLE).map((person) => sandbox.identity.tokenFor(person));
  const clients = (await Promise.all(tokens)).map((token) => new ApiClient(broker.url, token));
  const running = opened.move();
  return {
    cluster: sandbox.cluster,
    clients,
    database,
    postgresql: rows[0]?.server_version ?? '',
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Takes the sandbox's shops away: their Pods do something all the time. */
export async function emptied(cluster: StandInCluster): Promise<void> {
  const client = new RawClient(cluster.url, cluster.caPem);
  for (const { metadata } of cluster.parts.store.list('deployments')) {
    const { namespace = '', name } = metadata;
    await client.send({
      method: 'DELETE',
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
      token: cluster.tokens.admin,
    });
    await cluster.untilPods(namespace, (pods) => pods.length === 0);
  }
}

/** A database for the broker, with the table `bench` in it. Gives its URL as the role that serves. */
export async function migratedDatabase(adminUrl: string): Promise<string> {
  const roles = await prepareDatabase({ adminUrl, database: 'hallpass' });
  const { ownerUrl, serviceUrl, serviceUser } = roles;
  const log = () => undefined;
  const report = await migrate({ ownerUrl, serviceUser, migrationsDir: MIGRATIONS_DIR, log });
  if (report.kind === 'refused') throw new Error(report.sentence, { cause: report.cause });
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query('CREATE TABLE bench (line text)');
  await owner.query(`GRANT INSERT ON bench TO ${pg.escapeIdentifier(serviceUser)}`);
  await owner.end();
  return serviceUrl;
}
