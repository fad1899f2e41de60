import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { SlackInbox } from '../../app/ports/slack.inbox.js';

/** Where Slack posts commands and interactions to. */
export const SLACK_ADDRESS = '/slack/events';
/** Slack's own payloads are smaller. */
const BODY_BYTES_MAX = 256 * 1024;

const Bytes = z.instanceof(Buffer);
const Headers = z.object({
  'x-slack-request-timestamp': z.string().optional().catch(undefined),
  'x-slack-signature': z.string().optional().catch(undefined),
  'content-type': z.string().catch(''),
});

/** The one address that takes bodies unread: what they are signed by is made of their bytes. */
export function takeSlack(instance: FastifyInstance, inbox: SlackInbox): void {
  void instance.register((own, _options, done) => {
    own.removeAllContentTypeParsers();
    own.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, taken) => {
      taken(null, body);
    });
    own.post(SLACK_ADDRESS, { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
      const headers = Headers.parse(request.headers);
      const answer = await inbox.take({
        timestamp: headers['x-slack-request-timestamp'],
        signature: headers['x-slack-signature'],
        requestId: request.id,
        contentType: headers['content-type'],
        body: Bytes.safeParse(request.body).data ?? Buffer.alloc(0),
      });
      void reply.status(answer.status);
      if (answer.body === null) return reply.send();
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(JSON.stringify(answer.body));
    });
    done();
  });
}
