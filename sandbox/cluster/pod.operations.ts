import { wireTime, type StoredMeta } from './kube.object.js';
import type { z } from 'zod';
import type { ObjectStore } from './object.store.js';
import {
  checkCreate,
  checkPreconditions,
  newMeta,
  type Preconditions,
} from './object.operations.js';
import { checkPodSecurity } from './pod-security.js';
import { defaultPodSpec, qosClass } from './pod.defaults.js';
import { mirrorAnnotation } from './ephemeral.validation.js';
import type { IncomingPod, Pod } from './pod.schema.js';
import { validatePod } from './pod.validation.js';
import { forbidden, invalid, isRefusal, notSupported, type Refusal } from './status.objects.js';

/** Fields whose effect the stand-in does not play; a Pod that sets them would behave otherwise than on a cluster. */
const notPlayed = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const;

export interface NewPod {
  store: ObjectStore;
  namespace: string;
  given: z.infer<typeof IncomingPod>;
  now: Date;
  dryRun?: boolean;
}

/** Defaults, admission, validation, then the write: the Pod is Pending and on no node. */
export function createPod({ store, namespace, given, now, dryRun }: NewPod): Pod | Refusal {
  for (const container of [...given.spec.containers, ...(given.spec.initContainers ?? [])]) {
    const field = notPlayed.find((f) => container[f] !== undefined && container[f] !== null);
    if (field !== undefined) return notSupported(`${field} of containers`);
  }
  if (given.spec.initContainers?.some((c) => c.restartPolicy !== undefined)) {
    return notSupported('restartPolicy of init containers (sidecars)');
  }
  const metadata: StoredMeta = { ...newMeta(given.metadata, namespace, now), generation: 1 };
  const mirror = metadata.annotations?.[mirrorAnnotation] !== undefined;
  const account = given.spec.serviceAccountName || 'default';
  const spec = defaultPodSpec(
    given.spec,
    !mirror && given.spec.automountServiceAccountToken !== false,
  );
  const pod: Pod = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata,
    spec,
    status: { phase: 'Pending', qosClass: qosClass(spec) },
  };
  const refusal = checkCreate({ store, resource: 'pods', namespace, object: pod });
  if (refusal !== undefined) return refusal;
  const errors = validatePod(pod);
  if (errors.length > 0) return invalid({ kind: 'Pod', name: metadata.name }, errors);
  if (!mirror && store.get('serviceaccounts', namespace, account) === undefined) {
    return forbidden(
      { group: '', resource: 'pods', name: metadata.name },
      `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`,
    );
  }
  const home = store.get('namespaces', undefined, namespace);
  const security = checkPodSecurity(home?.metadata.labels, pod);
  if (security !== undefined) return security;
  return dryRun === true ? pod : store.put('pods', pod);
}

export interface PodDeletion {
  store: ObjectStore;
  pod: Pod;
  graceSeconds?: number | undefined;
  preconditions?: Preconditions;
  now: Date;
}

/**
 * Deletion with grace: a Pod on a node gets a deletionTimestamp and goes when its kubelet says so; one on no node, or
 * finished, goes at once (pkg/registry/core/pod/strategy.go, CheckGracefulDelete).
 */
export function deletePod(request: PodDeletion): Pod | Refusal {
  const { store, pod, now } = request;
  const refusal = checkPreconditions('pods', pod, request.preconditions ?? {});
  if (refusal !== undefined) return refusal;
  const { namespace, name } = pod.metadata;
  const over = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
  let grace = request.graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  if (pod.spec.nodeName === undefined || over) grace = 0;
  if (grace <= 0) return removePod(store, pod, now) ?? pod;
  const pending = pod.metadata.deletionTimestamp !== undefined;
  // Grace can be shortened while a deletion runs, never lengthened.
  if (pending && grace >= (pod.metadata.deletionGracePeriodSeconds ?? 0)) {
    return store.get('pods', namespace, name) ?? pod;
  }
  return store.put('pods', {
    ...pod,
    metadata: {
      ...pod.metadata,
      generation: (pod.metadata.generation ?? 1) + (pending ? 0 : 1),
      deletionTimestamp: wireTime(new Date(now.getTime() + grace * 1000)),
      deletionGracePeriodSeconds: grace,
    },
  });
}

/** The last step: grace becomes zero, then the object goes (measured: lifecycle/pod-deleted-under-session.json). */
export function removePod(store: ObjectStore, pod: Pod, now: Date): Pod | undefined {
  const { namespace, name, uid } = pod.metadata;
  const current = store.get('pods', namespace, name);
  if (current?.metadata.uid !== uid) return undefined;
  if (current.metadata.deletionTimestamp !== undefined) {
    store.put('pods', {
      ...current,
      metadata: {
        ...current.metadata,
        deletionTimestamp: wireTime(now),
        deletionGracePeriodSeconds: 0,
      },
    });
  }
  return store.delete('pods', namespace, name);
}

export function podOrRefusal(value: Pod | Refusal): Pod {
  if (isRefusal(value)) throw new Error(`refused: ${JSON.stringify(value.body)}`);
  return value;
}
