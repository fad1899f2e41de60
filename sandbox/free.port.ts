import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** The preferred port of 127.0.0.1 where nobody has it, else any free one. */
export async function freePort(preferred: number): Promise<number> {
  return (await heard(preferred)) ?? (await heard(0)) ?? 0;
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
