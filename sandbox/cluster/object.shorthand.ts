import { newMeta } from './object.operations.js';
import type { ObjectStore } from './object.store.js';
import { IncomingPod } from './pod.schema.js';
import type { PolicyRule } from './rbac.schema.js';
import { IncomingWorkload, type Workload } from './workload.schema.js';

export interface PodShorthand {
  namespace?: string;
  name: string;
  image?: string;
  command?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Merged over the spec made from the above. */
  spec?: Record<string, unknown>;
}

export interface DeploymentShorthand extends Omit<PodShorthand, 'annotations'> {
  replicas?: number;
}

export interface AccountShorthand {
  namespace: string;
  name: string;
  /** Granted by a ClusterRole of the account's name; with `inNamespace`, by a Role there instead. */
  rules?: PolicyRule[];
  inNamespace?: string;
  ttlSeconds?: number;
}

/** A Pod of one container `app`. */
export function podFrom(shorthand: PodShorthand) {
  const { name, labels, annotations } = shorthand;
  return IncomingPod.parse({ metadata: { name, labels, annotations }, spec: podSpec(shorthand) });
}

/** A Deployment whose Pods have one container `app`. */
export function deploymentFrom(shorthand: DeploymentShorthand, now: Date): Workload {
  const { namespace = 'default', name, replicas = 1, labels = { app: name } } = shorthand;
  const { metadata, spec } = IncomingWorkload.parse({
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(shorthand) },
    },
  });
  return {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { ...newMeta(metadata, namespace, now), generation: 1 },
    spec,
    status: {},
  };
}

function podSpec({ image, command, spec }: Omit<PodShorthand, 'namespace'>) {
  return {
    containers: [
      {
        name: 'app',
        image: image ?? 'docker.io/library/app:1',
        imagePullPolicy: 'IfNotPresent',
        ...(command === undefined ? {} : { command }),
      },
    ],
    terminationGracePeriodSeconds: 1,
    ...spec,
  };
}

/** Gives a service account rules: by a ClusterRole of its name, or a Role where `inNamespace` is set. */
export function grant(store: ObjectStore, account: AccountShorthand, now: Date): void {
  const { name, rules = [], inNamespace } = account;
  const metadata = newMeta({ name }, inNamespace, now);
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const subjects = [{ kind: 'ServiceAccount', name, namespace: account.namespace }];
  const kind = inNamespace === undefined ? 'ClusterRole' : 'Role';
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name };
  const roles = inNamespace === undefined ? 'clusterroles' : 'roles';
  const bindings = inNamespace === undefined ? 'clusterrolebindings' : 'rolebindings';
  store.put(roles, { kind, apiVersion, metadata, rules });
  store.put(bindings, { kind: `${kind}Binding`, apiVersion, metadata, roleRef, subjects });
}
