import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Below those that systems give to whoever asks for any: between its finding and its use nobody is given one of these. */
const OWN_PORTS = { first: 20_000, last: 31_999 };
const TRIES = 20;

/** The preferred port of 127.0.0.1 where nobody has it, else any free one. */
export async function freePort(preferred: number): Promise<number> {
  if (preferred !== 0 && (await heard(preferred)) !== undefined) return preferred;
  for (let tries = 0; tries < TRIES; tries++) {
    const port = await heard(randomInt(OWN_PORTS.first, OWN_PORTS.last + 1));
    if (port !== undefined) return port;
  }
  return (await heard(0)) ?? 0;
}

async function heard(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined; // Taken, or not ours to take.
  } finally {
    server.close();
  }
}
