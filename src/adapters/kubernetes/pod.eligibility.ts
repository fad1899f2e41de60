import { nearestName } from '../../domain/nearest.name.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import { plainText } from '../../domain/text.js';
import type { PodDocument } from './kubernetes.documents.js';

const MIRROR = 'kubernetes.io/config.mirror';
const OS_LABEL = 'kubernetes.io/os';

interface Check {
  readonly fails: (pod: PodDocument) => boolean;
  readonly detail: (pod: PodDocument) => string;
}

const called = ({ metadata }: PodDocument) => `Pod "${metadata.name}"`;

/**
 * What the API server accepts and the kubelet never runs, or what it refuses in words that nobody understands
 * (measured: test/kubernetes-1.36/patch/pod-completed.json and pod-pending.json).
 */
const CHECKS: readonly Check[] = [
  {
    fails: ({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed',
    detail: (pod) =>
      `${called(pod)} has finished (${pod.status?.phase ?? ''}), and nothing can be started in it any more. Ask for a Pod that runs.`,
  },
  {
    fails: ({ metadata }) => Boolean(metadata.deletionTimestamp),
    detail: (pod) => `${called(pod)} is being deleted. Ask for the Pod that takes its place.`,
  },
  {
    fails: ({ metadata }) => metadata.annotations?.[MIRROR] !== undefined,
    detail: (pod) =>
      `${called(pod)} is a static Pod of its node, which can take no debug container. Debug it on the node itself.`,
  },
  {
    fails: ({ spec }) => !spec.nodeName,
    detail: (pod) =>
      `${called(pod)} is on no node yet, so nothing can be started in it. See in its events what it waits for, and ask again once it is scheduled.`,
  },
  {
    fails: isForWindows,
    detail: (pod) =>
      `${called(pod)} runs on Windows, and debug containers of Hallpass need Linux. Debug it on the node itself.`,
  },
];

/**
 * Whether the Pod says that it is for Windows. The node would know for certain, but looking at nodes takes a right that
 * the broker has no other use for; a Windows Pod without any of these marks fails to start its debug container.
 */
function isForWindows({ spec }: PodDocument): boolean {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms ?? [];
  return (
    spec.os?.name === 'windows' ||
    spec.nodeSelector?.[OS_LABEL] === 'windows' ||
    Boolean(spec.securityContext?.windowsOptions) ||
    (terms.length > 0 &&
      terms.every((term) =>
        term.matchExpressions?.some(
          ({ key, operator, values }) =>
            key === OS_LABEL && operator === 'In' && values?.every((it) => it === 'windows'),
        ),
      ))
  );
}

/** Why the Pod cannot take a debug container (for the processes of `container`, if given); `undefined` if it can. */
export function whyNotDebuggable(
  pod: PodDocument,
  container: string | undefined,
): Problem | undefined {
  const failed = CHECKS.find(({ fails }) => fails(pod));
  if (failed) return problem('target-not-debuggable', failed.detail(pod));
  return container === undefined ? undefined : whyNoTarget(pod, container);
}

function whyNoTarget(pod: PodDocument, container: string): Problem | undefined {
  const { containers, initContainers, ephemeralContainers } = pod.spec;
  const names = [...containers, ...(initContainers ?? [])].map(({ name }) => name);
  if (!names.includes(container)) {
    const ephemeral = ephemeralContainers?.some(({ name }) => name === container);
    const near = nearestName(container, names);
    return problem(
      'container-not-found',
      [
        ephemeral
          ? `"${container}" of ${called(pod)} is an ephemeral container, whose processes cannot be shared.`
          : `${called(pod)} has no container "${container}".`,
        near === undefined || ephemeral ? '' : `Did you mean "${near}"?`,
        `There is: ${names.slice(0, 50).join(', ')}.`,
      ]
        .filter(Boolean)
        .join(' '),
    );
  }
  const { containerStatuses, initContainerStatuses } = pod.status ?? {};
  const status = [...(containerStatuses ?? []), ...(initContainerStatuses ?? [])].find(
    ({ name }) => name === container,
  );
  if (status?.state?.running) return undefined;
  const { waiting, terminated } = status?.state ?? {};
  const state = plainText(waiting?.reason ?? terminated?.reason ?? 'not started yet', 100);
  return problem(
    'target-not-debuggable',
    `Container "${container}" of ${called(pod)} is not running (${state}), so its processes cannot be shared. Ask again once it runs, or without "container" for a debug container with processes of its own.`,
  );
}

/** Whether the Pod says that it is ready to serve. */
export function isReady({ status }: PodDocument): boolean {
  return (status?.conditions ?? []).some((it) => it.type === 'Ready' && it.status === 'True');
}
