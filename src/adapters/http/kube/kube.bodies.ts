import type { FastifyInstance } from 'fastify';
import { problem } from '../../../domain/problem.js';
import { parseJsonBody } from '../json.body.js';
import { Refused } from '../refused.error.js';

/** What kubectl sends bodies as besides JSON. */
const TYPES =
  /^application\/(?:(?:strategic-merge|merge|json)-patch\+json|vnd\.kubernetes\.protobuf|apply-patch\+yaml)(?:;|$)/;

/**
 * Takes kubectl's bodies on its own addresses, and nowhere else: what is no JSON is let through unread, so that it is
 * refused in words that kubectl shows.
 */
export function takeKubeBodies(instance: FastifyInstance): void {
  instance.addContentTypeParser(TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    try {
      if (!request.url.startsWith('/kube/')) {
        throw new Refused(
          problem(
            'unsupported-media-type',
            'Send the body as "Content-Type: application/json", without compression.',
          ),
        );
      }
      const isJson = request.headers['content-type']?.includes('json') === true;
      done(null, isJson ? parseJsonBody(Buffer.from(body), request.headers) : undefined);
    } catch (error) {
      done(error instanceof Error ? error : new Error('the body was not parsed', { cause: error }));
    }
  });
}
