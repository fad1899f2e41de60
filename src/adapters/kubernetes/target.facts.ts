import type { FoundTarget, OwnerKind } from '../../domain/policy/facts.js';
import type { PodDocument } from './kubernetes.documents.js';
import { isReady } from './pod.eligibility.js';

/** What policy may look at of a Pod and its namespace. */
export function targetFacts(
  pod: PodDocument,
  namespace: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  },
): FoundTarget {
  const statuses = pod.status?.containerStatuses ?? [];
  return {
    namespaceLabels: namespace.labels,
    namespaceAnnotations: namespace.annotations,
    pod: pod.metadata.name,
    labels: pod.metadata.labels ?? {},
    annotations: pod.metadata.annotations ?? {},
    owner: ownerOf(pod),
    phase: pod.status?.phase ?? '',
    ready: isReady(pod),
    restarts: statuses.reduce((sum, it) => sum + (it.restartCount ?? 0), 0),
    containers: pod.spec.containers.map(({ name, image }) => {
      const status = statuses.find((it) => it.name === name);
      return {
        name,
        image: image ?? '',
        digest: /@(sha256:[0-9a-f]{64})$/.exec(status?.imageID ?? '')?.[1] ?? '',
        ready: status?.ready ?? false,
        restarts: status?.restartCount ?? 0,
      };
    }),
    node: pod.spec.nodeName ?? '',
  };
}

const KINDS: ReadonlySet<string> = new Set(['StatefulSet', 'DaemonSet', 'Job']);

/**
 * The workload behind a Pod. A Deployment's ReplicaSets are named after it and their Pods' template hash (Kubernetes
 * `deploymentutil.GetNewReplicaSetTemplate`), so that it need not be asked for.
 */
function ownerOf({ metadata }: PodDocument): FoundTarget['owner'] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (!owner) return { kind: 'Pod', name: metadata.name };
  const hash = metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  }
  return { kind: KINDS.has(owner.kind) ? (owner.kind as OwnerKind) : 'Other', name: owner.name };
}
