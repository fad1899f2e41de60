import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { ReadAudit } from '../../app/read-session.js';
import { auditEventView } from '../../app/views/audit.view.js';
import { AuditPage, AuditQuery } from '../../contract/audit.schema.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { GetOnly } from './get.only.js';
import { Operation } from './operation.decorator.js';

/** Reading the audit log, which is an event of it as well. */
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly reading: ReadAudit) {}

  @Get('events')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'listAuditEvents',
    tag: 'audit',
    summary: 'Read the audit log, newest first',
    description: 'The reading is itself an event.',
    status: 200,
    answers: AuditPage,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor'],
  })
  async events(
    @CurrentCaller() caller: Caller,
    @Query({ schema: AuditQuery }) query: z.infer<typeof AuditQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof AuditPage>> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor, session, action } = query;
    const cursors = new ListCursor('audit', { session, action }, z.uuid());
    const before = cursor === undefined ? undefined : cursors.parse(cursor);
    const { records, more } = await this.reading.page(caller, {
      limit,
      ...(session === undefined ? {} : { sessionId: session }),
      ...(action === undefined ? {} : { action }),
      ...(before ? { before } : {}),
    });
    const last = records.at(-1);
    const nextCursor = more && last ? cursors.after(last) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return { items: records.map(auditEventView), nextCursor };
  }
}
