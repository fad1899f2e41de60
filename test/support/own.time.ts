import { performance } from 'node:perf_hooks';

/** How often it is looked whether the machine has time for us. */
const LOOK_MS = 5;

/** The milliseconds for which this thread itself has computed: whatever else the machine does, they are ours. */
export function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * How long something takes in milliseconds, without those for which this process would have run and was not let: a promise
 * about how soon something comes is one of a machine that does what it is told, and tests share theirs.
 */
export async function tookMs(act: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  let awayMs = 0;
  let [dueMs, ownMs] = [beganMs + LOOK_MS, computedMs()];
  const look = (): void => {
    const [nowMs, nowOwnMs] = [performance.now(), computedMs()];
    // Late, and not for what we did ourselves.
    awayMs += Math.max(0, nowMs - dueMs - (nowOwnMs - ownMs));
    [dueMs, ownMs] = [nowMs + LOOK_MS, nowOwnMs];
  };
  const timer = setInterval(look, LOOK_MS);
  try {
    await act();
    return performance.now() - beganMs - awayMs;
  } finally {
    clearInterval(timer);
  }
}
