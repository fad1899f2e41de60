import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Channel } from '../../domain/person.js';

/** The caller's address: the connection's, or what a trusted proxy says. What is no address is not recorded as one. */
export function addressOf(request: FastifyRequest): string | undefined {
  const plain = (address: string | undefined) => address?.replace(/^::ffff:(?=\d+\.)/i, '');
  const told = plain(request.ip);
  return told !== undefined && isIP(told) ? told : plain(request.socket.remoteAddress);
}

/** Through which door a request comes, by what its client says of itself: it proves nothing. */
export function channelOf(request: FastifyRequest): Channel {
  return (request.headers['user-agent'] ?? '').startsWith('hallpass/') ? 'cli' : 'api';
}
