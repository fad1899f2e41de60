import { Controller, Get, Headers, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../app/caller.js';
import { ReadSession } from '../../app/read-session.js';
import { SessionStepView } from '../../contract/session.schema.js';
import { problem } from '../../domain/problem.js';
import { isFinal } from '../../domain/session/session.machine.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller, SignedInUntil } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { Refused, orRefuse } from './refused.error.js';
import { sessionIdIn } from './session.id.js';
import { SessionStreams } from './session.streams.js';

/** What happens to a session, as it happens. */
@Controller('v1/sessions/:id/events')
export class SessionEventsController {
  constructor(
    private readonly reading: ReadSession,
    private readonly streams: SessionStreams,
  ) {}

  @Get()
  @Allow('session:read')
  @Operation({
    id: 'streamSessionEvents',
    tag: 'sessions',
    summary: 'Follow a session',
    description:
      'All steps so far, then each as it happens, as events `step`. Ends by itself after the last one, with an event ' +
      '`close` whose `data.reason` is `final`, `token-expired` or `shutdown`. Come back with Last-Event-ID for the rest.',
    status: 200,
    answers: SessionStepView,
    stream: true,
    takes: [
      {
        name: 'Last-Event-ID',
        description: 'The `id` of the last event that the client has.',
        example: '2',
      },
    ],
    empty: { 204: 'The session is over and the client has seen all of it: do not come back.' },
    problems: ['not-found', 'too-many-requests'],
  })
  async events(
    @CurrentCaller() caller: Caller,
    @SignedInUntil() until: Date,
    @Param('id') path: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const after = lastSeen(lastEventId);
    const id = sessionIdIn(path);
    const { session } = orRefuse(await this.reading.one(caller, id));
    // 204 is how a server tells an EventSource to stay away (WHATWG HTML §9.2.3).
    if (isFinal(session.state) && after >= session.version) return void reply.status(204).send();
    if (request.method === 'HEAD') {
      return void reply.header('content-type', 'text/event-stream; charset=utf-8').send();
    }
    const refusal = this.streams.refusal(caller);
    if (refusal) throw new Refused(refusal);
    reply.hijack();
    await this.streams.run(reply, { caller, session, after, until });
  }
}

function lastSeen(header: string | undefined): number {
  if (header === undefined || header === '') return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  throw new Refused(
    problem(
      'invalid-request',
      'Last-Event-ID must be the id of an event of this stream: a whole number.',
    ),
  );
}
