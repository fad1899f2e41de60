import { wireTime } from './kube.object.js';
import { isReady } from './pod.readiness.js';
import type { Pod } from './pod.schema.js';
import type { Workload } from './workload.schema.js';

export type PodOwner = 'replicasets' | 'statefulsets' | 'daemonsets' | 'jobs';

export interface Counted {
  workload: Workload;
  /** All its Pods, and those of them that are neither finished nor going. */
  pods: readonly Pod[];
  living: readonly Pod[];
  /** Living Pods, and those just asked for. */
  replicas: number;
  nodes: number;
  now: Date;
}

/** The status of what owns Pods, from counting them. */
export function statusOf(plural: PodOwner, counted: Counted): Record<string, unknown> {
  return makers[plural](counted);
}

const makers: Readonly<Record<PodOwner, (counted: Counted) => Record<string, unknown>>> = {
  replicasets: ({ workload, living, replicas }) => ({
    replicas,
    fullyLabeledReplicas: replicas,
    ...whenAny(living, (ready) => ({ readyReplicas: ready, availableReplicas: ready })),
    observedGeneration: workload.metadata.generation ?? 1,
  }),
  statefulsets: ({ workload, living, replicas }) => ({
    observedGeneration: workload.metadata.generation ?? 1,
    replicas,
    ...whenAny(living, (ready) => ({ readyReplicas: ready })),
    currentReplicas: replicas,
    updatedReplicas: replicas,
    availableReplicas: readyCount(living),
  }),
  daemonsets: ({ workload, living, replicas, nodes }) => ({
    currentNumberScheduled: replicas,
    numberMisscheduled: 0,
    desiredNumberScheduled: nodes,
    numberReady: readyCount(living),
    observedGeneration: workload.metadata.generation ?? 1,
    updatedNumberScheduled: replicas,
    ...whenAny(living, (ready) => ({ numberAvailable: ready })),
  }),
  jobs: ({ workload, pods, living, now }) => {
    const ended = (phase: string) => pods.filter((pod) => pod.status.phase === phase).length;
    const [succeeded, failed] = [ended('Succeeded'), ended('Failed')];
    const complete = { type: 'Complete', met: true, reason: 'CompletionsReached' };
    return {
      ...(living.length > 0 ? { active: living.length } : {}),
      ready: readyCount(living),
      startTime: workload.metadata.creationTimestamp,
      ...(succeeded > 0 ? { succeeded } : {}),
      ...(failed > 0 ? { failed } : {}),
      ...(succeeded >= (workload.spec.completions ?? 1)
        ? { conditions: [condition(workload, complete, now)] }
        : {}),
    };
  },
};

function readyCount(pods: readonly Pod[]): number {
  return pods.filter(isReady).length;
}

function whenAny<T>(pods: readonly Pod[], shown: (ready: number) => T): T | undefined {
  const ready = readyCount(pods);
  return ready > 0 ? shown(ready) : undefined;
}

/** The status of a Deployment, from the ReplicaSets it owns. */
export function deploymentStatus(
  deployment: Workload,
  owned: readonly Workload[],
  now: Date,
): Record<string, unknown> {
  const sum = (field: string) =>
    owned.reduce((total, set) => total + Number(set.status[field] ?? 0), 0);
  const [wanted, ready] = [deployment.spec.replicas ?? 1, sum('readyReplicas')];
  const met = ready >= wanted;
  const reason = met ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable';
  return {
    observedGeneration: deployment.metadata.generation ?? 1,
    replicas: sum('replicas'),
    updatedReplicas: sum('replicas'),
    ...(ready > 0 ? { readyReplicas: ready, availableReplicas: ready } : {}),
    ...(met ? {} : { unavailableReplicas: wanted - ready }),
    conditions: [condition(deployment, { type: 'Available', met, reason }, now)],
  };
}

function condition(
  workload: Workload,
  { type, met, reason }: { type: string; met: boolean; reason: string },
  now: Date,
) {
  const known = workload.status['conditions'];
  const before = (Array.isArray(known) ? known : [])
    .filter(
      (c): c is { type: string; status: string; lastTransitionTime: string } =>
        typeof c === 'object' && c !== null,
    )
    .find((c) => c.type === type);
  const status = met ? 'True' : 'False';
  const changed = before?.status !== status;
  return {
    type,
    status,
    lastTransitionTime: changed ? wireTime(now) : before.lastTransitionTime,
    reason,
  };
}
