import type { Container, ContainerState, Pod } from './pod.schema.js';
import { badRequest, type Refusal } from './status.objects.js';

export function allContainers({ spec }: Pod): Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** The container a request names, or the Pod's only one; refused in the server's words otherwise. */
export function chooseContainer(pod: Pod, named: string | null): string | Refusal {
  const { name } = pod.metadata;
  if (named !== null && named !== '') {
    return allContainers(pod).some((container) => container.name === named)
      ? named
      : badRequest(`container ${named} is not valid for pod ${name}`);
  }
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const only = containers[0];
  if (containers.length === 1 && only !== undefined) return only.name;
  const names = (list: readonly Container[]) => `[${list.map((c) => c.name).join(' ')}]`;
  const extra = [
    ...(initContainers.length > 0 ? [`one of the init containers: ${names(initContainers)}`] : []),
    ...(ephemeralContainers.length > 0
      ? [`one of the ephemeral containers: ${names(ephemeralContainers)}`]
      : []),
  ];
  return badRequest(
    `a container name must be specified for pod ${name}, choose one of: ${[names(containers), ...extra].join(' or ')}`,
  );
}

export function containerState(pod: Pod, name: string): ContainerState | undefined {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = pod.status;
  return [
    ...(containerStatuses ?? []),
    ...(initContainerStatuses ?? []),
    ...(ephemeralContainerStatuses ?? []),
  ].find((status) => status.name === name)?.state;
}
