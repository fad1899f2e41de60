import { profileImage, stateOf } from './kube-container.state.js';
import type { Json, NamedJson, PodJson } from '../ports/cluster.pods.js';
import type { Named } from '../debug-by-kubectl.js';

const METADATA = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'];

/** As much of a Pod as `kubectl debug` needs, with the caller's sessions as the containers that kubectl asked for. */
export function debuggedPod(pod: PodJson, named: readonly Named[]): PodJson {
  const { name, uid } = pod.metadata;
  const phase = pod.status?.['phase'];
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { ...picked(pod.metadata, METADATA), name, uid },
    spec: {
      containers: pod.spec.containers.map(shown),
      // Every Pod of an API server has one, and kubectl debug 1.36 does not start without.
      securityContext: {},
      ...(pod.spec.initContainers ? { initContainers: pod.spec.initContainers.map(shown) } : {}),
      ephemeralContainers: named.map(({ session, name: { name: called, stdin, tty } }) => ({
        name: called,
        image: profileImage(session),
        ...(session.request.container === undefined
          ? {}
          : { targetContainerName: session.request.container }),
        stdin,
        tty,
        resources: {},
        terminationMessagePolicy: 'File',
      })),
    },
    status: {
      ...(typeof phase === 'string' ? { phase } : {}),
      ephemeralContainerStatuses: named.map(({ session, name: { name: called } }) => ({
        name: called,
        image: profileImage(session),
        imageID: session.container?.imageId ?? '',
        ready: false,
        restartCount: 0,
        lastState: {},
        state: stateOf(session),
      })),
    },
  };
}

function shown({ name, image }: NamedJson): NamedJson {
  return typeof image === 'string' ? { name, image } : { name };
}

function picked(from: Json, names: readonly string[]): Json {
  return Object.fromEntries(
    names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])),
  );
}
