import type { EventRecorder } from './event.recorder.js';
import { wireTime } from './kube.object.js';
import type { ObjectStore } from './object.store.js';
import type { Pod } from './pod.schema.js';

/** Puts each new Pod on a node whose labels its nodeSelector matches; where none does, says why and leaves it. */
export class Scheduler {
  readonly #unsubscribe: () => void;

  constructor(
    private readonly store: ObjectStore,
    private readonly events: EventRecorder,
    private readonly now: () => Date,
  ) {
    this.#unsubscribe = store.subscribe(({ type, resource, object }) => {
      if (resource === 'pods' && type === 'ADDED') {
        const { namespace, name, uid } = object.metadata;
        // After the creation has been told to all, so that watchers see the Pod without a node first.
        queueMicrotask(() => {
          const pod = store.get('pods', namespace, name);
          if (pod?.metadata.uid === uid) this.#place(pod);
        });
      }
      if (resource === 'nodes' && type === 'ADDED') {
        for (const pod of store.list('pods')) this.#place(pod);
      }
    });
  }

  close(): void {
    this.#unsubscribe();
  }

  #place(pod: Pod): void {
    if (pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const nodes = this.store.list('nodes');
    const wanted = Object.entries(pod.spec.nodeSelector ?? {});
    const os = pod.spec.os?.name ?? pod.spec.nodeSelector?.['kubernetes.io/os'] ?? 'linux';
    const node = nodes.find(
      ({ metadata }) =>
        wanted.every(([name, value]) => metadata.labels?.[name] === value) &&
        metadata.labels?.['kubernetes.io/os'] === os,
    );
    const time = wireTime(this.now());
    const scheduled = {
      type: 'PodScheduled',
      observedGeneration: pod.metadata.generation ?? 1,
      lastProbeTime: null,
      lastTransitionTime: time,
    };
    if (node !== undefined) {
      this.store.put('pods', {
        ...pod,
        spec: { ...pod.spec, nodeName: node.metadata.name },
        status: { ...pod.status, conditions: [{ ...scheduled, status: 'True' }] },
      });
      this.events.record(pod, {
        type: 'Normal',
        reason: 'Scheduled',
        message: `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}`,
        component: 'default-scheduler',
      });
      return;
    }
    const count = nodes.length;
    // Measured: patch/pod-pending.json.
    const message = `0/${count} nodes are available: ${count} node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/${count} nodes are available: ${count} Preemption is not helpful for scheduling.`;
    if (pod.status.conditions?.[0]?.message === message) return;
    this.store.put('pods', {
      ...pod,
      status: {
        ...pod.status,
        conditions: [{ ...scheduled, status: 'False', reason: 'Unschedulable', message }],
      },
    });
    this.events.record(pod, {
      type: 'Warning',
      reason: 'FailedScheduling',
      message,
      component: 'default-scheduler',
    });
  }
}
