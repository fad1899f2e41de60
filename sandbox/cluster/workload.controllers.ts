import { createHash } from 'node:crypto';
import { countBudgets } from './disruption.controller.js';
import { collectOwned, emptyNamespace, type Gone, isOwnedBy } from './garbage.collector.js';
import { sameJson } from './json.value.js';
import type { KubeObject } from './kube.object.js';
import { newMeta } from './object.operations.js';
import type { Change, ObjectStore, Plural } from './object.store.js';
import { createPod } from './pod.operations.js';
import { nameSuffix } from './pod.defaults.js';
import { isOver, isReady } from './pod.readiness.js';
import type { Pod } from './pod.schema.js';
import { isRefusal } from './status.objects.js';
import { deploymentStatus, statusOf } from './workload.status.js';
import type { Workload } from './workload.schema.js';

const controlled = ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'jobs'] as const;
type Controlled = (typeof controlled)[number];

/**
 * The controllers, as far as a client that looks for Pods by workload can tell: Deployments make ReplicaSets, all others
 * make Pods with an ownerReference, deleted Pods are replaced, what an object owned goes with it, and disruption
 * budgets count. Rollouts, scaling and Job back-off are not played.
 */
export class WorkloadControllers {
  readonly #unsubscribe: () => void;
  readonly #dirty = new Map<string, () => void>();
  #scheduled = false;
  #closed = false;

  constructor(
    private readonly store: ObjectStore,
    private readonly now: () => Date,
  ) {
    this.#unsubscribe = store.subscribe((change) => this.#changed(change));
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
  }

  #changed({ type, resource, object, previous }: Change): void {
    const { namespace, name, uid } = object.metadata;
    const later = (id: string, work: () => void) => this.#later(`${id} ${namespace} ${name}`, work);
    if (isControlled(resource) && type !== 'DELETED') {
      later(resource, () => this.#reconcile(resource, namespace, name));
    }
    if (type === 'DELETED') later(`gc ${uid}`, () => collectOwned(this.#gone(namespace), uid));
    if (resource === 'namespaces' && object.metadata.deletionTimestamp !== undefined) {
      later('namespace', () => emptyNamespace(this.#gone(name)));
    }
    if (namespace !== undefined && type === 'DELETED') {
      this.#later(`namespace ${namespace}`, () => emptyNamespace(this.#gone(namespace)));
    }
    if (resource === 'pods' || resource === 'replicasets') {
      for (const owner of object.metadata.ownerReferences ?? []) {
        const plural = controlled.find((p) => kinds[p] === owner.kind);
        if (plural === undefined) continue;
        this.#later(`${plural} ${namespace} ${owner.name}`, () =>
          this.#reconcile(plural, namespace, owner.name),
        );
      }
    }
    if (resource === 'pods' || (resource === 'poddisruptionbudgets' && previous === undefined)) {
      this.#later(`budgets ${namespace}`, () => countBudgets(this.store, namespace));
    }
  }

  #gone(namespace: string | undefined): Gone {
    return { store: this.store, namespace, now: this.now() };
  }

  /** Controllers act after the change that woke them, once for many changes of one object. */
  #later(id: string, work: () => void): void {
    this.#dirty.set(id, work);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const due = [...this.#dirty.values()];
      this.#dirty.clear();
      for (const run of due) if (!this.#closed) run();
    });
  }

  #reconcile(plural: Controlled, namespace: string | undefined, name: string): void {
    const workload = this.store.get(plural, namespace, name);
    if (workload === undefined || namespace === undefined) return;
    if (workload.metadata.deletionTimestamp !== undefined) return;
    if (plural === 'deployments') this.#reconcileDeployment(workload, namespace);
    else this.#reconcilePods(plural, workload, namespace);
  }

  #reconcileDeployment(deployment: Workload, namespace: string): void {
    const { store } = this;
    const owned = store
      .list('replicasets', namespace)
      .filter((set) => isOwnedBy(set, deployment.metadata.uid));
    const hash = templateHash(deployment.spec.template);
    if (!owned.some((set) => set.metadata.labels?.['pod-template-hash'] === hash)) {
      const { template, selector, replicas = 1 } = deployment.spec;
      const labels = { ...template.metadata.labels, 'pod-template-hash': hash };
      const metadata = newMeta(
        {
          name: `${deployment.metadata.name}-${hash}`,
          labels,
          annotations: { 'deployment.kubernetes.io/revision': '1' },
          ownerReferences: [reference(deployment)],
        },
        namespace,
        this.now(),
      );
      owned.push(
        store.put('replicasets', {
          kind: 'ReplicaSet',
          apiVersion: 'apps/v1',
          metadata: { ...metadata, generation: 1 },
          spec: {
            replicas,
            selector: {
              ...selector,
              matchLabels: { ...selector?.matchLabels, 'pod-template-hash': hash },
            },
            template: { ...template, metadata: { ...template.metadata, labels } },
          },
          status: { replicas: 0 },
        }),
      );
    }
    this.#writeStatus('deployments', deployment, deploymentStatus(deployment, owned, this.now()));
  }

  #reconcilePods(plural: Controlled, workload: Workload, namespace: string): void {
    const pods = this.store
      .list('pods', namespace)
      .filter((pod) => isOwnedBy(pod, workload.metadata.uid));
    const living = pods.filter(
      (pod) => !isOver(pod) && pod.metadata.deletionTimestamp === undefined,
    );
    const names = this.#missing(plural, workload, pods, living);
    for (const name of names) this.#makePod(plural, workload, { namespace, name });
    if (plural === 'deployments') return;
    const replicas = living.length + names.length;
    const nodes = this.#linuxNodes().length;
    const counted = { workload, pods, living, replicas, nodes, now: this.now() };
    this.#writeStatus(plural, workload, statusOf(plural, counted));
  }

  /** Names of the Pods that should exist and do not; '' asks for a generated one. */
  #missing(plural: Controlled, workload: Workload, pods: Pod[], living: Pod[]): string[] {
    const replicas = workload.spec.replicas ?? 1;
    if (plural === 'statefulsets') {
      const all = Array.from({ length: replicas }, (_, i) => `${workload.metadata.name}-${i}`);
      // One after the other: the next is made when those before it are ready.
      for (const name of all) {
        const pod = pods.find((p) => p.metadata.name === name);
        if (pod === undefined) return [name];
        if (!isReady(pod)) return [];
      }
      return [];
    }
    const wanted =
      plural === 'daemonsets'
        ? this.#linuxNodes().length
        : plural === 'jobs'
          ? pods.length > 0
            ? 0
            : (workload.spec.parallelism ?? 1)
          : replicas;
    return new Array<string>(Math.max(0, wanted - living.length)).fill('');
  }

  #makePod(
    plural: Controlled,
    workload: Workload,
    { namespace, name }: { namespace: string; name: string },
  ): void {
    const { template } = workload.spec;
    const own = workload.metadata.name;
    const extra = plural === 'statefulsets' && {
      'apps.kubernetes.io/pod-index': name.slice(own.length + 1),
      'statefulset.kubernetes.io/pod-name': name,
    };
    const made = createPod({
      store: this.store,
      namespace,
      now: this.now(),
      given: {
        metadata: {
          ...template.metadata,
          ...(name ? { name } : { name: `${own}-${nameSuffix()}`, generateName: `${own}-` }),
          labels: { ...template.metadata.labels, ...extra },
          ownerReferences: [reference(workload)],
        },
        spec: template.spec,
      },
    });
    // A template that admission refuses stays without Pods, as with the real controllers.
    if (isRefusal(made)) return;
  }

  #linuxNodes(): KubeObject[] {
    return this.store
      .list('nodes')
      .filter((node) => node.metadata.labels?.['kubernetes.io/os'] === 'linux');
  }

  #writeStatus(plural: Controlled, workload: Workload, status: Record<string, unknown>): void {
    const current = this.store.get(plural, workload.metadata.namespace, workload.metadata.name);
    if (current === undefined || sameJson(current.status, status)) return;
    this.store.put(plural, { ...current, status });
  }
}

const kinds: Readonly<Record<Controlled, string>> = {
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  jobs: 'Job',
};

function isControlled(resource: Plural): resource is Controlled {
  return controlled.some((plural) => plural === resource);
}

function reference({ apiVersion, kind, metadata }: Workload) {
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

const hashAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
function templateHash(template: unknown): string {
  return [...createHash('sha256').update(JSON.stringify(template)).digest().subarray(0, 10)]
    .map((byte) => hashAlphabet.charAt(byte % hashAlphabet.length))
    .join('');
}
