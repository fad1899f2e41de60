import type { KubeObject } from './kube.object.js';
import type { ObjectStore } from './object.store.js';
import { deletePod } from './pod.operations.js';

const owned = ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs', 'pods'] as const;
const contents = [
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'jobs',
  'poddisruptionbudgets',
  'roles',
  'rolebindings',
  'serviceaccounts',
] as const;

export interface Gone {
  store: ObjectStore;
  namespace: string | undefined;
  now: Date;
}

/** Background cascade: what the object with this uid owned goes too. */
export function collectOwned({ store, namespace, now }: Gone, uid: string): void {
  for (const plural of owned) {
    for (const object of store.list(plural, namespace)) {
      if (!isOwnedBy(object, uid)) continue;
      const { name } = object.metadata;
      const pod = plural === 'pods' ? store.get('pods', namespace, name) : undefined;
      if (pod !== undefined) deletePod({ store, pod, now });
      else store.delete(plural, namespace, name);
    }
  }
}

/** A terminating namespace loses its content, and goes when its last Pod has. */
export function emptyNamespace({ store, namespace: name, now }: Gone): void {
  if (name === undefined) return;
  const namespace = store.get('namespaces', undefined, name);
  if (namespace?.metadata.deletionTimestamp === undefined) return;
  for (const plural of contents) {
    for (const object of store.list(plural, name)) store.delete(plural, name, object.metadata.name);
  }
  for (const pod of store.list('pods', name)) deletePod({ store, pod, now });
  if (store.list('pods', name).length > 0) return;
  for (const event of store.list('events', name)) store.delete('events', name, event.metadata.name);
  store.delete('namespaces', undefined, name);
}

export function isOwnedBy(object: KubeObject, uid: string): boolean {
  return (object.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid);
}
