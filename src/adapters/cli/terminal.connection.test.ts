import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readClientEnvironment } from '../../config/client.environment.js';
import { PROTOCOLS } from '../../contract/terminal.schema.js';
import { BrokerClient } from './broker.client.js';
import { EXIT } from './exit.codes.js';
import { TerminalConnection } from './terminal.connection.js';

/** What stands before the broker: it gives tickets, and does with a terminal what `upgrade` does. */
let before: Server;
let upgrade: (socket: Duplex) => void;
const unheard = vi.fn();

beforeEach(async () => {
  process.on('unhandledRejection', unheard);
  before = createServer((_, response) => {
    response.writeHead(201, { 'content-type': 'application/json' });
    const ticket = {
      ticket: 't',
      kind: 'terminal',
      protocol: PROTOCOLS.terminal,
      url: 'wss://x/',
    };
    response.end(JSON.stringify({ ...ticket, expiresAt: '2026-11-28T12:00:00.000Z' }));
  }).on('upgrade', (_, socket) => upgrade(socket));
  before.listen(0, '127.0.0.1');
  await once(before, 'listening');
});

afterEach(() => {
  before.closeAllConnections();
  before.close();
  process.off('unhandledRejection', unheard);
  unheard.mockReset();
});

const env = readClientEnvironment({ HOME: '/' });

const address = () => `http://127.0.0.1:${(before.address() as AddressInfo).port}`;

const open = () =>
  TerminalConnection.open(
    new BrokerClient(address(), () => Promise.resolve('token'), { version: '0.1.0', env }),
    { session: 'p3jtbv51wms094xk', kind: 'terminal', version: '0.1.0' },
    { output: () => undefined, message: () => undefined },
  );

const answering =
  (status: string, body = '') =>
  (socket: Duplex) =>
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );

describe('a terminal that cannot be opened', () => {
  it.each([
    [
      'a proxy whose broker has just died',
      answering('502 Bad Gateway'),
      /answered 502: what stands/,
    ],
    ['a page of a proxy', answering('503 Unavailable', '<html>later</html>'), /answered 503: what/],
    ['what takes no WebSocket', answering('200 OK', 'hello'), /\(200\): .* takes no WebSocket/],
    ['a broker that dies meanwhile', (it: Duplex) => it.destroy(), /does not answer/],
  ])('is told with a sentence and may be tried again: %s', async (_, answer, sentence) => {
    upgrade = answer;
    await expect(open()).rejects.toMatchObject({
      exit: EXIT.unreachable,
      message: expect.stringMatching(sentence) as string,
    });
    // What nobody waits for any more must not end the program.
    await turn();
    await turn();
    expect(unheard).not.toHaveBeenCalled();
  });
});
