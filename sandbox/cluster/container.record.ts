import type { RunningContainer } from '../runtime/container.runtime.js';
import { imageId } from './images.js';
import type { Container, ContainerState, ContainerStatus, Pod } from './pod.schema.js';

export type ContainerRole = 'init' | 'app' | 'ephemeral';

/** What the kubelet knows of one container of a Pod. */
export class ContainerRecord {
  state: ContainerState;
  lastState: ContainerState = {};
  restartCount = 0;
  /** Runtime id of the latest process, running or ended. */
  runtimeId: string | undefined;
  /** The same, from when the status tells of it. */
  shownId: string | undefined;
  /** From pulling the image to the end of the last process. */
  life: Promise<void> = Promise.resolve();
  process: RunningContainer | undefined;
  /** The process before it, for its log. */
  previous: RunningContainer | undefined;
  /** True from the process's start to its end: earlier than `state` says, which lags as a real kubelet's does. */
  alive = false;
  /** Set once the container will never run (again). */
  finished = false;
  readonly spec: Container;
  readonly role: ContainerRole;

  constructor(spec: Container, role: ContainerRole, waitingReason: string) {
    this.spec = spec;
    this.role = role;
    this.state = { waiting: { reason: waitingReason } };
  }

  get fieldPath(): string {
    const list = { init: 'initContainers', app: 'containers', ephemeral: 'ephemeralContainers' };
    return `spec.${list[this.role]}{${this.spec.name}}`;
  }
}

interface StatusParts {
  record: ContainerRecord;
  pod: Pod;
  ready: boolean;
  runAsUser: number;
}

/** One entry of `containerStatuses`, shaped as recorded (measured: get/pod.json). */
export function containerStatus({ record, pod, ready, runAsUser }: StatusParts): ContainerStatus {
  const { spec, state, lastState, restartCount, shownId, role } = record;
  const image = spec.image ?? '';
  const created = shownId !== undefined;
  const mounts = (spec.volumeMounts ?? []).map(({ name, mountPath, ...rest }) => ({
    name,
    mountPath,
    ...(rest['readOnly'] === true ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
  }));
  return {
    name: spec.name,
    state,
    lastState,
    ready: role === 'ephemeral' ? false : ready,
    restartCount,
    image,
    imageID: created ? imageId(image) : '',
    ...(created ? { containerID: `containerd://${shownId}` } : {}),
    ...(role === 'ephemeral' ? {} : { started: state.running !== undefined }),
    ...(created
      ? {
          resources: {},
          ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
          user: {
            linux: { uid: runAsUser, gid: groupOf(pod), supplementalGroups: [groupOf(pod)] },
          },
        }
      : {}),
  };
}

function groupOf(pod: Pod): number {
  const group = pod.spec.securityContext?.['runAsGroup'];
  return typeof group === 'number' ? group : 0;
}
