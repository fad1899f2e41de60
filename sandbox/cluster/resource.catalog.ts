import type { Plural } from './object.store.js';

/** What is asked of the authorizer, and never stored. */
export const REVIEWS = ['selfsubjectaccessreviews', 'subjectaccessreviews'] as const;
export type Review = (typeof REVIEWS)[number];

/** One row of discovery, and all the server needs to know about a resource it serves. */
export interface Resource {
  group: string;
  version: string;
  plural: Plural | Review;
  singular: string;
  kind: string;
  namespaced: boolean;
  verbs: readonly string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** As recorded, where it was recorded (measured: test/kubernetes-1.36/get/discovery-*.json). */
  storageVersionHash?: string;
}

export interface Subresource {
  of: Plural;
  name: string;
  kind: string;
  verbs: readonly string[];
  /** Set where the subresource's kind lives in another group than its parent. */
  group?: string;
  version?: string;
}

const readWrite = ['create', 'delete', 'get', 'list', 'watch'] as const;
const all = ['all'] as const;

/** What this server serves, and nothing more: everything else answers 404 or 501. */
export const resources: readonly Resource[] = [
  // prettier-ignore
  { group: '', version: 'v1', plural: 'events', singular: 'event', kind: 'Event', namespaced: true, verbs: ['get', 'list', 'watch'], shortNames: ['ev'], storageVersionHash: 'r2yiGXH7wu8=' },
  // prettier-ignore
  { group: '', version: 'v1', plural: 'namespaces', singular: 'namespace', kind: 'Namespace', namespaced: false, verbs: readWrite, shortNames: ['ns'], storageVersionHash: 'Q3oi5N2YM8M=' },
  // prettier-ignore
  { group: '', version: 'v1', plural: 'nodes', singular: 'node', kind: 'Node', namespaced: false, verbs: ['get', 'list', 'watch'], shortNames: ['no'], storageVersionHash: 'XwShjMxG9Fs=' },
  // prettier-ignore
  { group: '', version: 'v1', plural: 'pods', singular: 'pod', kind: 'Pod', namespaced: true, verbs: readWrite, shortNames: ['po'], categories: all, storageVersionHash: 'xPOwRZ+Yhw8=' },
  // prettier-ignore
  { group: '', version: 'v1', plural: 'serviceaccounts', singular: 'serviceaccount', kind: 'ServiceAccount', namespaced: true, verbs: readWrite, shortNames: ['sa'], storageVersionHash: 'pbx9ZvyFpBE=' },
  // prettier-ignore
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingadmissionpolicies', singular: 'validatingadmissionpolicy', kind: 'ValidatingAdmissionPolicy', namespaced: false, verbs: ['get', 'list', 'watch'], categories: ['api-extensions'] },
  // prettier-ignore
  { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingadmissionpolicybindings', singular: 'validatingadmissionpolicybinding', kind: 'ValidatingAdmissionPolicyBinding', namespaced: false, verbs: ['get', 'list', 'watch'], categories: ['api-extensions'] },
  // prettier-ignore
  { group: 'apps', version: 'v1', plural: 'daemonsets', singular: 'daemonset', kind: 'DaemonSet', namespaced: true, verbs: readWrite, shortNames: ['ds'], categories: all, storageVersionHash: 'dd7pWHUlMKQ=' },
  // prettier-ignore
  { group: 'apps', version: 'v1', plural: 'deployments', singular: 'deployment', kind: 'Deployment', namespaced: true, verbs: readWrite, shortNames: ['deploy'], categories: all, storageVersionHash: '8aSe+NMegvE=' },
  // prettier-ignore
  { group: 'apps', version: 'v1', plural: 'replicasets', singular: 'replicaset', kind: 'ReplicaSet', namespaced: true, verbs: readWrite, shortNames: ['rs'], categories: all, storageVersionHash: 'P1RzHs8/mWQ=' },
  // prettier-ignore
  { group: 'apps', version: 'v1', plural: 'statefulsets', singular: 'statefulset', kind: 'StatefulSet', namespaced: true, verbs: readWrite, shortNames: ['sts'], categories: all, storageVersionHash: 'H+vl74LkKdo=' },
  // prettier-ignore
  { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews', singular: 'selfsubjectaccessreview', kind: 'SelfSubjectAccessReview', namespaced: false, verbs: ['create'] },
  // prettier-ignore
  { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews', singular: 'subjectaccessreview', kind: 'SubjectAccessReview', namespaced: false, verbs: ['create'] },
  // prettier-ignore
  { group: 'batch', version: 'v1', plural: 'jobs', singular: 'job', kind: 'Job', namespaced: true, verbs: readWrite, categories: all },
  // prettier-ignore
  { group: 'policy', version: 'v1', plural: 'poddisruptionbudgets', singular: 'poddisruptionbudget', kind: 'PodDisruptionBudget', namespaced: true, verbs: readWrite, shortNames: ['pdb'] },
  // prettier-ignore
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterrolebindings', singular: 'clusterrolebinding', kind: 'ClusterRoleBinding', namespaced: false, verbs: readWrite },
  // prettier-ignore
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles', singular: 'clusterrole', kind: 'ClusterRole', namespaced: false, verbs: readWrite },
  // prettier-ignore
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'rolebindings', singular: 'rolebinding', kind: 'RoleBinding', namespaced: true, verbs: readWrite },
  // prettier-ignore
  { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'roles', singular: 'role', kind: 'Role', namespaced: true, verbs: readWrite },
];

export const subresources: readonly Subresource[] = [
  { of: 'pods', name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
  { of: 'pods', name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch'] },
  // prettier-ignore
  { of: 'pods', name: 'eviction', kind: 'Eviction', verbs: ['create'], group: 'policy', version: 'v1' },
  { of: 'pods', name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  { of: 'pods', name: 'log', kind: 'Pod', verbs: ['get'] },
  // prettier-ignore
  { of: 'serviceaccounts', name: 'token', kind: 'TokenRequest', verbs: ['create'], group: 'authentication.k8s.io', version: 'v1' },
];

/** Resources a real 1.36 serves and this one does not: answered 501, not 404. */
export const realButNotServed: Readonly<Record<string, readonly string[]>> = {
  '': [
    'bindings',
    'componentstatuses',
    'configmaps',
    'endpoints',
    'limitranges',
    'persistentvolumeclaims',
    'persistentvolumes',
    'podtemplates',
    'replicationcontrollers',
    'resourcequotas',
    'secrets',
    'services',
  ],
  apps: ['controllerrevisions'],
  batch: ['cronjobs'],
  'authorization.k8s.io': ['localsubjectaccessreviews', 'selfsubjectrulesreviews'],
  'admissionregistration.k8s.io': [
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    'mutatingwebhookconfigurations',
    'validatingwebhookconfigurations',
  ],
  'authentication.k8s.io': ['tokenreviews', 'selfsubjectreviews'],
};

/** Groups a real 1.36 has (measured: get/discovery-apis.json), none of whose resources are served here. */
export const groupsNotServed: readonly string[] = [
  'apiregistration.k8s.io',
  'events.k8s.io',
  'authentication.k8s.io',
  'autoscaling',
  'certificates.k8s.io',
  'networking.k8s.io',
  'storage.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

/** Subresources a real 1.36 has and this one does not. */
export const subresourcesNotServed: readonly string[] = [
  'binding',
  'finalize',
  'portforward',
  'proxy',
  'resize',
  'scale',
  'status',
];

export function isReview(plural: Resource['plural']): plural is Review {
  return REVIEWS.some((review) => review === plural);
}

export function findResource(group: string, plural: string): Resource | undefined {
  return resources.find((r) => r.group === group && r.plural === plural);
}

export function resourceOf(plural: Plural): Resource {
  const found = resources.find((r) => r.plural === plural);
  if (found === undefined) throw new Error(`resource ${plural} is not in the catalog`);
  return found;
}

export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}
