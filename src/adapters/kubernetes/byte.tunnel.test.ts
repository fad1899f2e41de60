import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ByteTunnel } from '../../app/ports/cluster.pods.js';
import type { ApiFailure } from './api.failure.js';
import { openTunnel } from './byte.tunnel.js';

let server: Server;
let url: URL;
/** What the server does with an upgrade. */
let accept: (request: IncomingMessage, socket: Duplex) => void;
const sockets = new Set<Duplex>();
beforeEach(async () => {
  server = createServer();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    accept(request, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/portforward`);
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  server.close();
});

const SPDY = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n';

const open = (headers: Record<string, string> = SPDY, signal = new AbortController().signal) =>
  openTunnel({ url, options: { headers: { authorization: 'Bearer broker' } }, headers, signal });

function opened(outcome: ByteTunnel | ApiFailure): ByteTunnel {
  if ('failure' in outcome) throw new Error(outcome.failure);
  return outcome;
}

async function readAll(tunnel: ByteTunnel): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of tunnel.output) parts.push(part);
  return parts;
}

describe('a tunnel', () => {
  test('is asked for with the broker’s credentials and the client’s protocol, by POST for SPDY', async () => {
    const asked = new Promise<IncomingMessage>((resolve) => {
      accept = (request, socket) => {
        resolve(request);
        socket.write(`${SWITCHED}X-Stream-Protocol-Version: portforward.k8s.io\r\n\r\n`);
      };
    });
    const tunnel = opened(
      await open({ ...SPDY, 'x-stream-protocol-version': 'portforward.k8s.io' }),
    );
    const { method, headers } = await asked;
    expect([method, headers.authorization, headers.upgrade]).toEqual([
      'POST',
      'Bearer broker',
      'SPDY/3.1',
    ]);
    expect(tunnel.headers['x-stream-protocol-version']).toBe('portforward.k8s.io');
    tunnel.close();
  });

  test('asks now and then whether the cluster is still there', async () => {
    const probing = vi.spyOn(Socket.prototype, 'setKeepAlive');
    accept = (_, socket) => socket.write(`${SWITCHED}\r\n`);
    opened(await open()).close();
    expect(probing).toHaveBeenCalledWith(true, 15_000);
    probing.mockRestore();
  });

  test('passes bytes both ways, those that come with the answer included, and the end', async () => {
    accept = (_, socket) => {
      socket.write(`${SWITCHED}\r\nearly `);
      socket.pipe(socket);
    };
    const tunnel = opened(await open());
    expect(await tunnel.write(Buffer.from('and late'))).toBe(true);
    tunnel.closeInput();
    const all = await readAll(tunnel);
    expect(Buffer.concat(all).toString()).toBe('early and late');
  });

  test('that is refused says what the server answered', async () => {
    const body = JSON.stringify({ kind: 'Status', message: 'no such Pod', reason: 'NotFound' });
    accept = (_, socket) => {
      socket.end(
        `HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    };
    expect(await open()).toMatchObject({
      failure: 'refused',
      httpStatus: 404,
      status: { message: 'no such Pod' },
    });
  });

  test('is cut when its signal aborts, and then takes nothing more', async () => {
    accept = (_, socket) => void socket.write(`${SWITCHED}\r\n`);
    const cut = new AbortController();
    const tunnel = opened(await open(SPDY, cut.signal));
    const rest = readAll(tunnel);
    cut.abort();
    expect(await rest).toEqual([]);
    expect(await tunnel.write(Buffer.from('x'))).toBe(false);
  });

  test('to where nobody listens is silent', async () => {
    server.close();
    await once(server, 'close');
    expect(await open()).toMatchObject({ failure: 'silent' });
  });
});
