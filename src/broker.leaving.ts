import { pause } from './app/pause.js';
import type { Journal } from './app/ports/journal.js';

/** Whether all of it was let go of in its grace. */
export type Left = 'in time' | 'late';

/**
 * How a replica goes: it is not ready from the first moment on, serves on until nobody is sent to it any more, and then
 * stops. Never takes longer than its grace: what is not done by then is for the others to find, as after a crash.
 */
export async function leaveInTime(
  { drainSeconds, graceSeconds }: { readonly drainSeconds: number; readonly graceSeconds: number },
  replica: {
    /** Not ready from now on. */
    readonly drain: () => void;
    /** Those who are in sessions here are told. */
    readonly warn: (inSeconds: number) => void;
    readonly stop: () => Promise<void>;
    readonly journal: Journal;
  },
): Promise<Left> {
  const { drain, warn, stop, journal } = replica;
  journal.info({ drainSeconds, graceSeconds }, 'told to stop: draining');
  drain();
  const over = new AbortController();
  const late = pause(graceSeconds * 1000, over.signal).then((): Left => 'late');
  if (drainSeconds > 0) {
    warn(drainSeconds);
    await pause(drainSeconds * 1000, over.signal);
  }
  const left = await Promise.race([stop().then((): Left => 'in time'), late]);
  over.abort();
  if (left === 'late') {
    journal.error({ graceSeconds }, 'not all was let go of in time: what is left is cut');
  } else {
    journal.info({}, 'stopped');
  }
  return left;
}
