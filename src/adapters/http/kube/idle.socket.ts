import type { FastifyReply, FastifyRequest } from 'fastify';
import { REQUEST_BOUNDS } from '../http.settings.js';

const PROBE_MS = 15_000;

/** Lets an answer be silent for longer than others may, until it is over; a peer that is gone is found by TCP. */
export function maySitIdle(request: FastifyRequest, reply: FastifyReply): void {
  const { socket } = request.raw;
  socket.setTimeout(0);
  socket.setKeepAlive(true, PROBE_MS);
  reply.raw.once('close', () => socket.setTimeout(REQUEST_BOUNDS.idleSeconds * 1_000));
}

/** The same for a request that becomes another protocol, or is refused and closed: its entry may take minutes. */
export function mayWait(request: FastifyRequest): void {
  const { socket } = request.raw;
  socket.setTimeout(0);
  socket.setKeepAlive(true, PROBE_MS);
}

/** Aborts when the client goes away. */
export function whileConnected(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const { socket } = request.raw;
  const leave = () => gone.abort();
  socket.once('close', leave);
  // The connection may live on, for the next request.
  reply.raw.once('close', () => {
    socket.off('close', leave);
    leave();
  });
  return gone.signal;
}
