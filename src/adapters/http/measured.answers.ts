import type { FastifyInstance } from 'fastify';
import type { Stopwatch } from '../../app/ports/stopwatch.js';

/** What is sent where there is no route is anybody's choice: so many words, and no more. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Takes down how long answers took to begin, by the router's templates and never by addresses: whoever asks cannot make
 * a new series. Connections that a handler takes over have no answer that begins.
 */
export function measureAnswers(instance: FastifyInstance, stopwatch: Stopwatch): void {
  instance.addHook('onSend', async (request, reply) => {
    stopwatch.took('httpRequest', reply.elapsedTime / 1000, {
      method: METHODS.has(request.method) ? request.method : 'other',
      route: request.routeOptions.url ?? 'none',
      status: `${Math.floor(reply.statusCode / 100)}xx`,
    });
  });
}
