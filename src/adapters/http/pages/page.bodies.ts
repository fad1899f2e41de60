import type { FastifyInstance } from 'fastify';
import { problem } from '../../../domain/problem.js';
import { Refused } from '../refused.error.js';

const PAGES = /^\/(?:sign-out|link|sessions)(?:[/?]|$)/;

/** Takes what forms send on the addresses of pages, and nowhere else. Of two fields with one name the last counts. */
export function takeForms(instance: FastifyInstance): void {
  instance.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (request, body, done) => {
      if (!PAGES.test(request.url)) {
        const detail = 'Send the body as "Content-Type: application/json", without compression.';
        done(new Refused(problem('unsupported-media-type', detail)));
        return;
      }
      done(null, Object.fromEntries(new URLSearchParams(String(body))));
    },
  );
}
