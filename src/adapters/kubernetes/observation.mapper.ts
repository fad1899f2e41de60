import { plainText } from '../../domain/text.js';
import type { Observation } from '../../domain/session/observation.js';
import type { ContainerStatus, PodDocument } from './kubernetes.documents.js';

const FINISHED: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);

/**
 * Why a container was never started although the runtime has a record of it. The kubelet starts an ephemeral container
 * only where there is no such record, so it is over, even where the state says that it waits (measured:
 * test/kubernetes-1.36/lifecycle/command-not-found.json).
 */
const NEVER_STARTED: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/** Whether all of the Pod's containers have stopped for good. A finished Pod may still be ending its last ones. */
function isOver(pod: PodDocument): boolean {
  const { phase, containerStatuses, initContainerStatuses, ephemeralContainerStatuses } =
    pod.status ?? {};
  if (!FINISHED.has(phase ?? '')) return false;
  return ![containerStatuses, initContainerStatuses, ephemeralContainerStatuses].some((list) =>
    list?.some(({ state }) => state?.running),
  );
}

/** What a Pod that is not there, or another one under its name, is to a session. */
export function podGone(podName: string, what: 'deleted' | 'replaced'): Observation {
  return {
    kind: 'pod-gone',
    why:
      what === 'deleted'
        ? `The Pod "${podName}" was deleted.`
        : `The Pod "${podName}" was deleted, and another one made under its name.`,
  };
}

/** What a Pod says of the session's container. Reads the Pod of `podUid` only: any other is `pod-gone`. */
export function observationOf(
  pod: PodDocument,
  { podUid, containerName }: { readonly podUid: string; readonly containerName: string },
): Observation {
  const { name, uid, deletionTimestamp } = pod.metadata;
  if (uid !== podUid) return podGone(name, 'replaced');
  const podEnding = Boolean(deletionTimestamp) || FINISHED.has(pod.status?.phase ?? '');
  const status = pod.status?.ephemeralContainerStatuses?.find((it) => it.name === containerName);
  const ended = status && endOf(status);
  if (ended) return { ...ended, podEnding };
  if (status?.state?.running) {
    const startedAt = status.state.running.startedAt ?? new Date(0);
    return { kind: 'running', startedAt, imageId: status.imageID ?? '', podEnding };
  }
  if (isOver(pod)) {
    return {
      kind: 'pod-gone',
      why: `The Pod "${name}" has finished (${pod.status?.phase ?? ''}).`,
    };
  }
  const added = pod.spec.ephemeralContainers?.some((it) => it.name === containerName);
  if (!status && !added) return { kind: 'absent', podEnding };
  const waiting = status?.state?.waiting;
  return {
    kind: 'waiting',
    reason: plainText(waiting?.reason ?? '', 100),
    message: plainText(waiting?.message ?? ''),
    podEnding,
  };
}

function endOf({ state, lastState, imageID }: ContainerStatus) {
  const before = lastState?.terminated;
  const neverStarted = before && NEVER_STARTED.has(before.reason ?? '') && !state?.running;
  const end = state?.terminated ?? (neverStarted ? before : undefined);
  if (!end) return undefined;
  return {
    kind: 'terminated' as const,
    exitCode: end.exitCode,
    reason: plainText(state?.waiting?.reason ?? end.reason ?? '', 100),
    message: plainText(end.message ?? ''),
    imageId: imageID ?? '',
    startedAt: NEVER_STARTED.has(end.reason ?? '') ? null : instantOf(end.startedAt),
    finishedAt: instantOf(end.finishedAt),
  };
}

/** An instant that a runtime tells; what it does not know it gives as 1970 or earlier (Go's zero time). */
function instantOf(told: Date | null | undefined): Date | null {
  return told && told.getTime() > 0 ? told : null;
}
