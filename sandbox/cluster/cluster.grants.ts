import { newMeta } from './object.operations.js';
import type { PolicyRule, Subject } from './rbac.schema.js';
import type { StandInCluster } from './stand-in.cluster.js';

const RBAC = 'rbac.authorization.k8s.io/v1';

/** Gives somebody rights in the whole cluster, as its administrator would. */
export function allow(
  cluster: StandInCluster,
  { name, rules, to }: { name: string; rules: PolicyRule[]; to: Subject[] },
): void {
  const { store, now } = cluster.parts;
  const metadata = newMeta({ name }, undefined, now());
  store.put('clusterroles', { kind: 'ClusterRole', apiVersion: RBAC, metadata, rules });
  store.put('clusterrolebindings', {
    kind: 'ClusterRoleBinding',
    apiVersion: RBAC,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: to,
  });
}

/** Takes them back. */
export function disallow(cluster: StandInCluster, name: string): void {
  cluster.parts.store.delete('clusterrolebindings', undefined, name);
}
