import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Database } from './adapters/prisma/database.js';
import type { Pressure } from './app/ask-gate.js';

/** So many may wait for each connection that is not kept; then whoever asks is told to come back. */
const WAITING_PER_CONNECTION_MAX = 10;
const DELAY_MS_MAX = 500;
/** How far the delay is looked back at. */
const WINDOW_MS = 5_000;

/** Says when the database, or this process, has more to do than it can. Measures until `opened` is closed. */
export function pressureOf(opened: AsyncDisposableStack, database: Database): Pressure {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const anew = setInterval(() => delay.reset(), WINDOW_MS);
  anew.unref();
  opened.defer(() => {
    clearInterval(anew);
    delay.disable();
  });
  return () => {
    if (database.waiting > database.settings.poolSize * WAITING_PER_CONNECTION_MAX)
      return 'too much waits for the database';
    // Nanoseconds; NaN before there was one.
    return delay.mean / 1e6 > DELAY_MS_MAX ? 'this process is held up' : undefined;
  };
}
