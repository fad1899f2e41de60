import type { IncomingMessage } from 'node:http';
import { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { endSwitched } from './request.traces.js';

/** A connection whose client asked to speak another protocol on it (RFC 9110 §7.8). */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came of the other protocol already. */
  readonly head: Buffer;
}

/** How long a client may take to close its side once it was refused. */
const CLOSING_MS = 1_000;

const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;

const waiting = new WeakMap<IncomingMessage, { socket: Duplex; head: Buffer }>();

/**
 * Sends requests to upgrade through the routes like any other: guards, permissions and filters hold for them too, and a
 * refusal is an ordinary answer. A handler takes the connection over with {@link takeUpgrade}; one that does not has
 * answered, and the connection is closed.
 */
export function routeUpgrades(instance: FastifyInstance): void {
  instance.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Until somebody takes it over: a client that goes away must not end the program.
    socket.on('error', () => socket.destroy());
    waiting.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once('finish', () => {
      if (waiting.has(request)) endSoon(socket);
    });
    instance.routing(request, response);
  });
}

/** Closes a connection of which nothing more is wanted. Node's own bounds do not hold for it any more. */
function endSoon(socket: Duplex): void {
  socket.end();
  // Read over: what lies unread would make the end a reset, which may overtake the answer.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), CLOSING_MS);
  socket.once('close', () => clearTimeout(cut));
}

/**
 * Whether the request asks for an upgrade that was not taken over yet. To be asked before anything is opened for it: a
 * request with the header Upgrade, and no Connection that names it, asks for none (RFC 9110 §7.8).
 */
export function asksUpgrade(request: IncomingMessage): boolean {
  return waiting.has(request);
}

/** Whether it asks for a WebSocket, in a way that can be granted (RFC 6455 §4.2.1). */
export function asksWebSocket(request: IncomingMessage): boolean {
  const { headers, method } = request;
  return (
    asksUpgrade(request) &&
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-version'] === '13'
  );
}

/** Takes the connection over: from here on it is the handler's, and nothing else answers on it. */
export function takeUpgrade(request: FastifyRequest, reply: FastifyReply): Upgrade | undefined {
  const found = waiting.get(request.raw);
  if (!found) return undefined;
  waiting.delete(request.raw);
  endSwitched(request);
  reply.hijack();
  reply.raw.detachSocket(found.socket as Socket);
  return { request: request.raw, ...found };
}
