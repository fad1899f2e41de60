import { startSandbox } from '../sandbox/sandbox.js';
import { PEOPLE } from '../sandbox/identity/people.js';
import { IdlePods } from './idle.pods.js';
import { emptied, NAMESPACE } from './sessions.stage.js';
import type { ClusterSaid } from './terminal.programs.js';
import { ClusterOrders } from './terminal.programs.js';

/** The stand-in cluster and the identity provider. To be forked; ends when it is let go. */
const { databaseUrl, pods } = ClusterOrders.parse(JSON.parse(process.argv[2] ?? ''));
const sandbox = await startSandbox({ databaseUrl });
const { cluster, identity, tls, surroundings } = sandbox;
process.on('disconnect', () => void sandbox.close().then(() => process.exit()));
await emptied(cluster);
await IdlePods.add(cluster, { prefix: 'terminal', count: pods });
const tokens = Object.values(PEOPLE).map((person) => identity.tokenFor(person));
const said: ClusterSaid = {
  url: cluster.url,
  caPem: cluster.caPem,
  adminToken: cluster.tokens.admin,
  adminKubeconfig: cluster.kubeconfig('admin', NAMESPACE),
  isolation: cluster.runtime.isolation,
  accessTokens: await Promise.all(tokens),
  tls,
  surroundings: { ...surroundings, namespaces: [...surroundings.namespaces] },
};
process.send?.(said);
