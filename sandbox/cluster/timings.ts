import { setTimeout as delay } from 'node:timers/promises';

/** How long the cluster's own moves take, in milliseconds. */
export interface Timings {
  /** From a change of a Pod to the kubelet's first reaction (measured: about 20). */
  syncMs: number;
  /** From the process running to the status that says so; `exec` works in between (measured: 60 to 900). */
  runningMs: number;
  /** From the process's end to the status that says so (measured: up to 1000). */
  exitedMs: number;
  /** From the last container's end to the removal of a Pod that is being deleted (measured: 780). */
  removalMs: number;
  /** A pull that succeeds. */
  pullMs: number;
  /** Until a pull that cannot succeed is reported. */
  pullFailureMs: number;
  /** From ErrImagePull to ImagePullBackOff, and between further attempts. */
  backOffMs: number;
  /** First back-off of a container that keeps ending; doubles each time (real: 10 000). */
  crashBackOffMs: number;
  /** How long a list waits for a resourceVersion that does not exist yet (measured: 3000). */
  futureVersionMs: number;
  /** Between bookmarks of a watch that allows them (real: about 60 000). */
  bookmarkMs: number;
}

/** As fast as the machine allows: every state is still seen, and what is `running` has had time to set its handlers. */
export const quickTimings: Timings = {
  syncMs: 1,
  runningMs: 10,
  exitedMs: 1,
  removalMs: 10,
  pullMs: 5,
  pullFailureMs: 10,
  backOffMs: 50,
  crashBackOffMs: 1_000,
  futureVersionMs: 3_000,
  bookmarkMs: 60_000,
};

/** Waits; ends early and says `false` when the signal aborts. */
export async function wait(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
