import type { FoundNamespace, FoundTarget, Marks, OwnerKind } from '../../domain/policy/facts.js';
import { plainText } from '../../domain/text.js';
import type { PodDocument } from './kubernetes.documents.js';
import type { NamespaceMarks } from './namespace.reader.js';
import { isReady } from './pod.eligibility.js';

/**
 * Labels and annotations of one object are facts up to so many bytes each (Kubernetes takes 256 KiB of annotations), so
 * that what is kept beside every decision stays small.
 */
export const MARKS_BYTES_MAX = 64 * 1024;

/** The whole object once more, as `kubectl apply` notes it: nothing to decide by, and often with what is secret. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What a namespace says; where it may not be read, that is unknown. */
export function namespaceFacts(namespace: NamespaceMarks | 'forbidden'): FoundNamespace {
  if (namespace === 'forbidden') {
    return { namespaceLabels: null, namespaceAnnotations: null, pod: null };
  }
  return {
    namespaceLabels: marksOf(namespace.labels),
    namespaceAnnotations: marksOf(namespace.annotations),
    pod: null,
  };
}

export function targetFacts(pod: PodDocument, namespace: FoundNamespace): FoundTarget {
  const statuses = pod.status?.containerStatuses ?? [];
  return {
    ...namespace,
    pod: pod.metadata.name,
    labels: marksOf(pod.metadata.labels),
    annotations: marksOf(pod.metadata.annotations),
    owner: ownerOf(pod),
    phase: pod.status?.phase ?? '',
    ready: isReady(pod),
    restarts: statuses.reduce((sum, it) => sum + (it.restartCount ?? 0), 0),
    containers: pod.spec.containers.map(({ name, image }) => {
      const status = statuses.find((it) => it.name === name);
      return {
        name,
        image: plainText(image ?? ''),
        digest: /@(sha256:[0-9a-f]{64})$/.exec(status?.imageID ?? '')?.[1] ?? '',
        ready: status?.ready ?? false,
        restarts: status?.restartCount ?? 0,
      };
    }),
    node: pod.spec.nodeName ?? '',
  };
}

/** Values are free text (annotations): fit to be stored and hashed, and as whole as they came. */
function marksOf(marks: Readonly<Record<string, string>> | null | undefined): Marks {
  const kept = Object.entries(marks ?? {})
    .filter(([key]) => key !== LAST_APPLIED)
    .map(([key, value]) => [key, plainText(value, MARKS_BYTES_MAX)] as const);
  const bytes = kept.reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
  return bytes > MARKS_BYTES_MAX ? null : Object.fromEntries(kept);
}

/** Kinds are of a group: a `Job` of somebody's own resources is none of Kubernetes'. */
const KINDS: ReadonlyMap<string, OwnerKind> = new Map([
  ['apps/v1 StatefulSet', 'StatefulSet'],
  ['apps/v1 DaemonSet', 'DaemonSet'],
  ['batch/v1 Job', 'Job'],
]);
const REPLICA_SET = 'apps/v1 ReplicaSet';

/**
 * The workload behind a Pod. A Deployment's ReplicaSets are named after it and their Pods' template hash (Kubernetes
 * `deploymentutil.GetNewReplicaSetTemplate`), so that it need not be asked for.
 */
function ownerOf({ metadata }: PodDocument): FoundTarget['owner'] {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (!owner) return { kind: 'Pod', name: metadata.name };
  const hash = metadata.labels?.['pod-template-hash'];
  const kind = `${owner.apiVersion ?? ''} ${owner.kind}`;
  if (kind === REPLICA_SET && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
    return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  }
  return { kind: KINDS.get(kind) ?? 'Other', name: owner.name };
}
