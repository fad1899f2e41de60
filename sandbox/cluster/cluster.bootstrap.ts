import type { ClusterParts } from './cluster.parts.js';
import type { ObjectMeta } from './kube.object.js';
import { createObject, newMeta } from './object.operations.js';
import type { ObjectStore } from './object.store.js';
import { isRefusal } from './status.objects.js';

const rbac = 'rbac.authorization.k8s.io/v1';
const discoveryPaths = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'];
const publicPaths = ['/healthz', '/livez', '/readyz', '/version', '/version/'];

/** The cluster roles a fresh cluster has that matter here, by name: rules, and the groups they are bound to. */
const roles = {
  'cluster-admin': {
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
    groups: ['system:masters'],
  },
  'system:discovery': {
    rules: [{ verbs: ['get'], nonResourceURLs: [...publicPaths, ...discoveryPaths] }],
    groups: ['system:authenticated'],
  },
  'system:basic-user': {
    rules: [
      {
        verbs: ['create'],
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      },
    ],
    groups: ['system:authenticated'],
  },
  'system:public-info-viewer': {
    rules: [{ verbs: ['get'], nonResourceURLs: publicPaths }],
    groups: ['system:authenticated', 'system:unauthenticated'],
  },
};

export function bootstrapRoles(store: ObjectStore, now: Date): void {
  for (const [name, { rules, groups }] of Object.entries(roles)) {
    store.put('clusterroles', {
      kind: 'ClusterRole',
      apiVersion: rbac,
      metadata: newMeta({ name }, undefined, now),
      rules,
    });
    store.put('clusterrolebindings', {
      kind: 'ClusterRoleBinding',
      apiVersion: rbac,
      metadata: newMeta({ name }, undefined, now),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: groups.map((group) => ({
        kind: 'Group',
        apiGroup: 'rbac.authorization.k8s.io',
        name: group,
      })),
    });
  }
}

export function addNode(
  store: ObjectStore,
  { name, os, now }: { name: string; os: 'linux' | 'windows'; now: Date },
): void {
  store.put('nodes', {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: newMeta(
      {
        name,
        labels: {
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': os,
        },
      },
      undefined,
      now,
    ),
    spec: {},
    status: { nodeInfo: { operatingSystem: os, kubeletVersion: 'v1.36.2' } },
  });
}

/** A namespace with its default service account, which a real cluster's controller adds a moment later. */
export function createNamespace(
  store: ObjectStore,
  { given, now, dryRun }: { given: ObjectMeta; now: Date; dryRun: boolean },
): ReturnType<ClusterParts['createNamespace']> {
  const metadata = newMeta(given, undefined, now);
  const namespace = createObject({
    store,
    resource: 'namespaces',
    namespace: undefined,
    dryRun,
    object: {
      kind: 'Namespace',
      apiVersion: 'v1',
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    },
  });
  if (!isRefusal(namespace) && !dryRun) {
    store.put('serviceaccounts', {
      kind: 'ServiceAccount',
      apiVersion: 'v1',
      metadata: newMeta({ name: 'default' }, metadata.name, now),
    });
  }
  return namespace;
}
