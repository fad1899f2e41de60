import type { V1Container, V1ContainerStatus, V1Pod, V1PodSpec } from '@kubernetes/client-node';

/** A shell script that does nothing, until TERM. */
export const HOLD = 'trap "exit 0" TERM; while :; do sleep 1; done';

/** A Pod of one container, `app`, that ends soon when it is told to. */
export function podSpec(app: Omit<V1Container, 'name'>): V1PodSpec {
  return {
    containers: [container('app', app)],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
  };
}

export function container(name: string, rest: Omit<V1Container, 'name'>): V1Container {
  return { name, imagePullPolicy: 'IfNotPresent', ...rest };
}

/** The parts of a workload's spec that must agree on its labels. */
export function selecting(name: string, spec: V1PodSpec) {
  const labels = { app: name };
  return { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
}

export function isReady({ status }: V1Pod): boolean {
  return (status?.conditions ?? []).some((it) => it.type === 'Ready' && it.status === 'True');
}

/** The status of a container of the Pod, or of an ephemeral one. */
export function statusOf({ status }: V1Pod, name: string): V1ContainerStatus | undefined {
  const { containerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {};
  return [...containerStatuses, ...ephemeralContainerStatuses].find((it) => it.name === name);
}
