import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, MIGRATIONS_DIR } from '../src/adapters/prisma/migrate.runner.js';
import { brokerKubeconfig } from './broker/broker.account.js';
import type { DeploymentShorthand } from './cluster/object.shorthand.js';
import type { Surroundings, TlsFiles } from './broker/broker.config.js';
import { writeAuditKey } from './broker/broker.config.js';
import { makeServerCertificate } from './cluster/server.certificate.js';
import type { StandInCluster } from './cluster/stand-in.cluster.js';
import { startCluster } from './cluster/stand-in.cluster.js';
import type { ClusterOptions } from './cluster/stand-in.cluster.js';
import { startDatabase } from './database/embedded.database.js';
import type { PreparedDatabase } from './database/hallpass.roles.js';
import { prepareDatabase } from './database/hallpass.roles.js';
import { freePort } from './free.port.js';
import type { IdentityProvider } from './identity/identity.provider.js';
import { startIdentityProvider } from './identity/identity.provider.js';
import { thisMachine } from './runtime/shells.js';

/** The namespaces of the sandbox whose Pods may be debugged; what policy says of them is in `sandbox/policies`. */
export const NAMESPACES = ['payments', 'staging'] as const;

/** The image that the profiles of the sandbox name: busybox, with its shell. */
const DEBUG_IMAGE = 'hallpass.sandbox/busybox:1';

export interface SandboxOptions {
  /** A migrated database, as the role that serves. Without it the sandbox starts a server of its own. */
  readonly databaseUrl?: string;
  readonly cluster?: ClusterOptions;
  /** Take the ports that people know, where they are free; otherwise any. */
  readonly usualPorts?: boolean;
  /** Told what is being started, for whoever waits. */
  readonly say?: (what: string) => void;
}

/** Everything a broker needs around it, on this machine's loopback. */
export interface Sandbox {
  readonly identity: IdentityProvider;
  readonly cluster: StandInCluster;
  /** A folder that is removed at the end, for whoever needs files. */
  readonly folder: string;
  /** What a broker's configuration is written from. */
  readonly surroundings: Surroundings;
  /** A certificate for brokers on this machine, by an authority that is the sandbox's own. */
  readonly tls: TlsFiles & { readonly caPem: string };
  /** A kubeconfig file of the cluster's admin, to look with. */
  readonly adminKubeconfig: string;
  /** A file that holds the URL of the database, as the role that serves. */
  readonly databaseUrlFile: string;
  close(): Promise<void>;
}

/**
 * Starts a database, an identity provider and a cluster with two small shops in it: Deployment `checkout` in
 * `payments`, Deployment `cart` in `staging`, whose Pods run; that of `cart` listens on a port. All of it ends with
 * {@link Sandbox.close}.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  await using opened = new AsyncDisposableStack();
  const { say = () => undefined, usualPorts = false } = options;
  const port = async (usual: number): Promise<number> => (usualPorts ? freePort(usual) : 0);
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-sandbox-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));

  let { databaseUrl } = options;
  if (databaseUrl === undefined) {
    say('PostgreSQL');
    const server = await startDatabase();
    opened.defer(() => server.stop());
    databaseUrl = (await migratedDatabase(server.adminUrl)).serviceUrl;
  }

  say('identity provider');
  const identity = await startIdentityProvider({ port: await port(8090) });
  opened.defer(() => identity.close());

  say('cluster');
  const cluster = await startCluster({ port: await port(6443), ...options.cluster });
  opened.defer(() => cluster.close());
  cluster.images.add(DEBUG_IMAGE, { command: ['sh'], shell: 'busybox' });
  for (const name of NAMESPACES) cluster.addNamespace(name);
  cluster.addDeployment({ namespace: 'payments', name: 'checkout', replicas: 2 });
  cluster.addDeployment({
    namespace: 'staging',
    name: 'cart',
    replicas: 1,
    ...web(await port(8000)),
  });
  await Promise.all([untilReady(cluster, 'payments', 2), untilReady(cluster, 'staging', 1)]);

  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const kubeconfig = await file('broker.kubeconfig', brokerKubeconfig(cluster, NAMESPACES));
  const adminKubeconfig = await file('admin.kubeconfig', cluster.kubeconfig('admin', 'payments'));
  const databaseUrlFile = await file('database-url', databaseUrl);
  const certificate = await makeServerCertificate('hallpass');
  const tls = {
    caPem: certificate.caPem,
    caFile: await file('ca.crt', certificate.caPem),
    certFile: await file('tls.crt', certificate.certPem),
    keyFile: await file('tls.key', certificate.keyPem),
  };
  const auditKey = await writeAuditKey(folder);
  const { issuer, audience } = identity;
  const running = opened.move();
  return {
    identity,
    cluster,
    folder,
    tls,
    adminKubeconfig,
    databaseUrlFile,
    surroundings: {
      folder,
      databaseUrl,
      identity: { issuer, audience },
      kubeconfig,
      namespaces: NAMESPACES,
      auditKey,
    },
    close: () => running.disposeAsync(),
  };
}

/** An application to forward a port to: its log says which. As silent as the others on a machine without perl. */
function web(port: number): Pick<DeploymentShorthand, 'image' | 'command'> {
  if (thisMachine.find('perl') === undefined) return {};
  return { image: 'docker.io/library/web:1', command: ['/bin/web', 'http', `${port}`] };
}

/** A database for a sandbox, on the schema of this program, on a server that was started for it. */
export async function migratedDatabase(adminUrl: string): Promise<PreparedDatabase> {
  const prepared = await prepareDatabase({ adminUrl, database: 'hallpass' });
  const { ownerUrl, serviceUser } = prepared;
  const report = await migrate({
    ownerUrl,
    serviceUser,
    migrationsDir: MIGRATIONS_DIR,
    log: () => undefined,
  });
  if (report.kind === 'refused') throw new Error(report.sentence, { cause: report.cause });
  return prepared;
}

async function untilReady(
  cluster: StandInCluster,
  namespace: string,
  count: number,
): Promise<void> {
  await cluster.untilPods(namespace, (pods) => {
    const ready = pods.filter(({ status }) =>
      status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
    return ready.length >= count;
  });
}
