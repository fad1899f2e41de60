import { wireTime } from './kube.object.js';
import type { ObjectStore } from './object.store.js';
import type { Pod } from './pod.schema.js';

/**
 * Nodes that no process of this machine can play (Windows): their Pods are said to run and nothing runs. Ephemeral
 * containers added there never get a status. Returns the way to stop.
 */
export function playIdleNodes(store: ObjectStore, realNode: string, now: () => Date): () => void {
  return store.subscribe(({ type, resource, object }) => {
    if (resource !== 'pods' || type === 'DELETED') return;
    const { namespace, name, uid } = object.metadata;
    setImmediate(() => {
      const pod = store.get('pods', namespace, name);
      if (pod?.metadata.uid !== uid) return;
      const { nodeName } = pod.spec;
      if (nodeName === undefined || nodeName === realNode) return;
      if (pod.metadata.deletionTimestamp !== undefined) store.delete('pods', namespace, name);
      else if (pod.status.phase === 'Pending') store.put('pods', running(pod, wireTime(now())));
    });
  });
}

function running(pod: Pod, time: string): Pod {
  const types = [
    'PodReadyToStartContainers',
    'Initialized',
    'Ready',
    'ContainersReady',
    'PodScheduled',
  ];
  return {
    ...pod,
    status: {
      ...pod.status,
      observedGeneration: pod.metadata.generation ?? 1,
      phase: 'Running',
      startTime: time,
      conditions: types.map((type) => ({
        type,
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: time,
      })),
      containerStatuses: pod.spec.containers.map(({ name, image = '' }) => ({
        name,
        image,
        imageID: image,
        state: { running: { startedAt: time } },
        lastState: {},
        ready: true,
        started: true,
        restartCount: 0,
      })),
    },
  };
}
