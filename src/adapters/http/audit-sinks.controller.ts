import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { TendSinks } from '../../app/tend-sinks.js';
import { auditSinkView, deadLetterView } from '../../app/views/audit-sink.view.js';
import {
  AuditSinkList,
  DeadLetterPage,
  DeadLetterQuery,
  SinkReplay,
  SinkReplayed,
} from '../../contract/audit-sink.schema.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';

const PLACE = z.string().regex(/^\d{1,15}$/);

/** Where the audit log is delivered to. */
@Controller('v1/audit/sinks')
export class AuditSinksController {
  constructor(private readonly tending: TendSinks) {}

  @Get()
  @Allow('audit:read')
  @Operation({
    id: 'listAuditSinks',
    tag: 'audit',
    summary: 'Where the audit log is delivered to, and how far each sink is',
    description: 'In the order of the configuration; for all replicas together.',
    status: 200,
    answers: AuditSinkList,
    problems: [],
  })
  async list(): Promise<z.infer<typeof AuditSinkList>> {
    return { items: (await this.tending.standing()).map(auditSinkView) };
  }

  @Get(':name/dead-letters')
  @Allow('audit:read')
  @Operation({
    id: 'listDeadLetters',
    tag: 'audit',
    summary: 'The events that a sink refused for good, in their order',
    description: 'Without those that it has taken since.',
    status: 200,
    answers: DeadLetterPage,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['not-found', 'invalid-cursor'],
  })
  async deadLetters(
    @Param('name') name: string,
    @Query({ schema: DeadLetterQuery }) query: z.infer<typeof DeadLetterQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof DeadLetterPage>> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor } = query;
    const cursors = new ListCursor('dead-letters', { name }, PLACE);
    const { letters, more } = orRefuse(
      await this.tending.deadLetters(name, {
        limit,
        ...(cursor === undefined ? {} : { after: Number(cursors.parse(cursor).id) }),
      }),
    );
    const last = letters.at(-1);
    const nextCursor = more && last ? cursors.after({ at: last.at, id: String(last.index) }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return { items: letters.map(deadLetterView), nextCursor };
  }

  @Post(':name/replay')
  @HttpCode(202)
  @Allow('audit:replay')
  @Operation({
    id: 'replayDeadLetters',
    tag: 'audit',
    summary: 'Deliver again what a sink refused',
    description:
      'In the order of places, each alone, by the replica that delivers to it, soon. What is refused again, or finds the ' +
      'sink away, stays a dead letter. It is itself an event. Sent twice, it is done once.',
    status: 202,
    answers: SinkReplayed,
    problems: ['unsupported-media-type', 'invalid-fields', 'not-found'],
  })
  async replay(
    @CurrentCaller() caller: Caller,
    @Param('name') name: string,
    @Body({ schema: SinkReplay }) why: z.infer<typeof SinkReplay>,
  ): Promise<z.infer<typeof SinkReplayed>> {
    return { events: orRefuse(await this.tending.replay(caller, name, why)) };
  }
}
