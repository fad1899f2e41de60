import { once } from 'node:events';
import type { Output } from './client.world.js';

/** Writes bytes as they are. The promise, where there is one, resolves when more can be taken. */
export function writeBytes(to: Output, bytes: Uint8Array | string): Promise<void> | undefined {
  if (to.destroyed || to.write(bytes)) return undefined;
  // Who reads may be gone: then nothing drains any more.
  const leave = new AbortController();
  return Promise.race([
    once(to, 'drain', { signal: leave.signal }),
    once(to, 'close', { signal: leave.signal }),
  ])
    .catch(() => undefined)
    .then(() => leave.abort());
}
