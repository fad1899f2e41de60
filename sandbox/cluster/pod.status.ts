import { containerStatus, type ContainerRecord } from './container.record.js';
import { wireTime } from './kube.object.js';
import type { Pod, PodCondition, PodStatus } from './pod.schema.js';

export interface PodFacts {
  pod: Pod;
  records: readonly ContainerRecord[];
  observedGeneration: number;
  startTime: string;
  podIP: string | undefined;
  hostIP: string;
  /** The sandbox exists: set before the first container, unset after the last. */
  sandbox: boolean;
  /** An administrator's (a test's) word that the Pod is not ready although its containers run. */
  unready: boolean;
  ending: boolean;
  runAsUser: (record: ContainerRecord) => number;
  now: Date;
}

/** The whole status of a Pod from what the kubelet knows, in the shape and order recorded (get/pod.json). */
export function podStatus(facts: PodFacts): PodStatus {
  const { pod, records, observedGeneration: generation, podIP, hostIP } = facts;
  const init = records.filter((r) => r.role === 'init');
  const app = records.filter((r) => r.role === 'app');
  const ephemeral = records.filter((r) => r.role === 'ephemeral');
  const phase = phaseOf(pod, app, facts.ending);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const ready = (record: ContainerRecord) =>
    record.role === 'init'
      ? record.state.terminated?.exitCode === 0
      : record.state.running !== undefined && !facts.unready;
  const notReady = app.filter((r) => !ready(r)).map((r) => r.spec.name);
  const initialized = init.every((r) => r.state.terminated?.exitCode === 0);
  const done = phase === 'Succeeded' ? { reason: 'PodCompleted' } : undefined;
  const lacking =
    notReady.length === 0
      ? undefined
      : (done ??
        (phase === 'Failed'
          ? { reason: 'PodFailed' }
          : {
              reason: 'ContainersNotReady',
              message: `containers with unready status: [${notReady.join(' ')}]`,
            }));
  const condition = (type: string, met: boolean, why?: { reason: string; message?: string }) =>
    stamp(facts, { type, met, why });
  const statuses = (list: readonly ContainerRecord[]) =>
    list.map((record) =>
      containerStatus({ record, pod, ready: ready(record), runAsUser: facts.runAsUser(record) }),
    );
  return {
    observedGeneration: generation,
    phase,
    conditions: [
      condition('PodReadyToStartContainers', facts.sandbox),
      condition('Initialized', initialized, over ? done : undefined),
      condition('Ready', lacking === undefined, lacking),
      condition('ContainersReady', lacking === undefined, lacking),
      condition('PodScheduled', true),
    ],
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: facts.startTime,
    ...(init.length > 0 ? { initContainerStatuses: statuses(init) } : {}),
    containerStatuses: statuses(app),
    qosClass: pod.status.qosClass ?? 'BestEffort',
    ...(ephemeral.length > 0
      ? {
          ephemeralContainerStatuses: statuses(ephemeral).sort((a, b) =>
            a.name < b.name ? -1 : 1,
          ),
        }
      : {}),
    resources: {},
  };
}

function stamp(
  { pod, observedGeneration, now }: PodFacts,
  {
    type,
    met,
    why,
  }: { type: string; met: boolean; why: { reason: string; message?: string } | undefined },
): PodCondition {
  const status = met ? 'True' : 'False';
  const before = pod.status.conditions?.find((c) => c.type === type);
  return {
    type,
    observedGeneration,
    status,
    lastProbeTime: null,
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : wireTime(now),
    ...why,
  };
}

/** Phase counts app containers only; ephemeral ones never move it. */
function phaseOf(pod: Pod, app: readonly ContainerRecord[], ending: boolean): PodStatus['phase'] {
  if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return pod.status.phase;
  const ended = app.filter((r) => r.state.terminated !== undefined);
  const willNotRun = ended.length === app.length && app.every((r) => r.finished || ending);
  if (app.length > 0 && willNotRun) {
    return ended.every((r) => r.state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
  }
  const begun = app.every((r) => r.shownId !== undefined);
  const waitingFirst = app.some(
    (r) =>
      r.state.running === undefined &&
      r.restartCount === 0 &&
      r.state.waiting !== undefined &&
      r.lastState.terminated === undefined,
  );
  return begun && !waitingFirst ? 'Running' : 'Pending';
}
