import { plainText } from '../text.js';
import { holdSeconds } from './debug-container.js';
import type { Terminated } from './observation.js';
import type { EndReason } from './session.machine.js';
import type { Extension, Session } from './session.js';

/**
 * A container that lasted this much less than its session's duration, or ended this close to its deadline, ended because
 * its time was up: the timer may be a second early, and the cluster tells whole seconds.
 */
const DEADLINE_SLACK_MS = 2_500;
/** What lasted so long by a clock of whole seconds lasted more than an instant. */
const INSTANT_MS = 2_000;
/** Exit codes of a timer that held: 74, its input was closed; above 128, a signal ended it. */
const INPUT_CLOSED = 74;
const SIGNALS_ABOVE = 128;

/** How long the container ran, by its node's clock; undefined where that is not known. */
function lastedMs({ startedAt, finishedAt }: Terminated): number | undefined {
  return startedAt && finishedAt ? finishedAt.getTime() - startedAt.getTime() : undefined;
}

/**
 * Whether a container that has terminated had held a session, if only for a moment: it started, and did not exit at
 * once as one does whose image lacks what the timer needs or that is started too late. The last is told by the node's
 * own clock, which the timer went by.
 */
export function hasHeld(
  seen: Terminated,
  startBy: Date,
): seen is Terminated & { readonly startedAt: Date } {
  if (!seen.startedAt) return false;
  if ((lastedMs(seen) ?? 0) >= INSTANT_MS) return true;
  if (seen.exitCode === 0) return seen.finishedAt !== null && seen.finishedAt <= startBy;
  return seen.exitCode === INPUT_CLOSED || seen.exitCode > SIGNALS_ABOVE;
}

/**
 * When the container started and when its time is up, given when Kubernetes says that it started. Kubernetes tells
 * whole seconds of a clock that may differ from ours, but the start lies between our own two readings.
 */
export function timesOf(
  session: Session,
  kubernetesStartedAt: Date,
  now: Date,
): { readonly startedAt: Date; readonly deadlineAt: Date } {
  const { startingAt, request } = session;
  return timesFrom(startingAt, request.durationSeconds, { kubernetesStartedAt, now });
}

/** The same for the container of an extension. */
export function timesOfExtension(
  { askedAt, container }: Extension,
  kubernetesStartedAt: Date,
  now: Date,
): { readonly startedAt: Date; readonly deadlineAt: Date } {
  return timesFrom(askedAt, container.durationSeconds, { kubernetesStartedAt, now });
}

function timesFrom(
  notBefore: Date | null,
  durationSeconds: number,
  { kubernetesStartedAt, now }: { readonly kubernetesStartedAt: Date; readonly now: Date },
): { readonly startedAt: Date; readonly deadlineAt: Date } {
  const earliest = notBefore?.getTime() ?? 0;
  const start = Math.min(Math.max(kubernetesStartedAt.getTime(), earliest), now.getTime());
  return {
    startedAt: new Date(start),
    deadlineAt: new Date(start + durationSeconds * 1000),
  };
}

/** Why a container ended that the broker did not end, whenever it came to be looked at. */
export function reasonOfEnd(
  session: Session,
  seen: Terminated,
  now: Date,
): { readonly endReason: EndReason; readonly endDetail: string } {
  if (wasTimeUp(session, seen, now)) {
    return { endReason: 'deadline', endDetail: 'The time was up.' };
  }
  return seen.podEnding
    ? {
        endReason: 'pod-gone',
        endDetail: `Its Pod "${session.pin?.podName ?? ''}" was deleted, or has finished.`,
      }
    : {
        endReason: 'left',
        // A KILL of a node's admin, or of its kernel, looks the same from here.
        endDetail: `The container ended before its deadline, from inside or by its node (exit code ${seen.exitCode}).`,
      };
}

/** Whether it ran for as long as it was to; undefined where the cluster does not tell for how long it ran. */
function ranToItsEnd(session: Session, seen: Terminated): boolean | undefined {
  const lasted = lastedMs(seen);
  return lasted === undefined
    ? undefined
    : lasted >= holdSeconds(session, session.container) * 1000 - DEADLINE_SLACK_MS;
}

/** Where the cluster does not tell, the time of looking has to do. */
function wasTimeUp(session: Session, seen: Terminated, now: Date): boolean {
  const deadline = session.deadlineAt?.getTime() ?? Infinity;
  return ranToItsEnd(session, seen) ?? now.getTime() >= deadline - DEADLINE_SLACK_MS;
}

/**
 * What the record of an ending session has to say differently, now that its container has terminated: a broker that
 * came late, or could not look, expired what had ended long before, or took for failed what had started. What people
 * said of it (withdrawn, revoked, left) stays.
 *
 * @param foundAlive whether it was seen to run after it had begun to end: then its time was up indeed.
 */
export function corrections(
  session: Session,
  seen: Terminated,
  { now, foundAlive }: { readonly now: Date; readonly foundAlive: boolean },
): Partial<Pick<Session, 'startedAt' | 'endReason' | 'endDetail'>> {
  if (!session.container || !hasHeld(seen, session.container.startBy)) return {};
  const { startedAt } = session.startedAt ? session : timesOf(session, seen.startedAt, now);
  if (session.endReason === 'deadline') {
    return { startedAt, ...(foundAlive ? {} : reasonOfEnd(session, seen, now)) };
  }
  if (session.endReason !== 'start-failed') return { startedAt };
  return {
    startedAt,
    ...(ranToItsEnd(session, seen) === true ? { endReason: 'deadline' } : {}),
    endDetail: `${session.endDetail ?? ''} Its container ran all the same, and Hallpass did not see it in time; it has terminated (exit code ${seen.exitCode}).`,
  };
}

/** The times that Kubernetes tells of a container's life, for the record. */
export function kubernetesTimes({ startedAt, finishedAt }: Terminated): Record<string, string> {
  return {
    ...(startedAt ? { kubernetesStartedAt: startedAt.toISOString() } : {}),
    ...(finishedAt ? { kubernetesFinishedAt: finishedAt.toISOString() } : {}),
  };
}

/** The end of a container as its status tells it, for the record. */
export function endTold(seen: Terminated): Record<string, unknown> {
  const { exitCode, reason, message, imageId } = seen;
  return {
    exitCode,
    kubernetesReason: reason,
    ...(message === '' ? {} : { kubernetesMessage: plainText(message, MESSAGE_CHARACTERS_MAX) }),
    imageId,
    ...kubernetesTimes(seen),
  };
}

/** Of what a container may write into its termination message, which Kubernetes bounds at 4,096 bytes. */
const MESSAGE_CHARACTERS_MAX = 1_000;
