import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { SearchAudit } from '../../app/search-audit.js';
import { auditEventView } from '../../app/views/audit.view.js';
import {
  AuditCounts,
  AuditCountsQuery,
  AuditSearchPage,
  AuditSearchQuery,
} from '../../contract/audit-search.schema.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { Allow } from './access.decorators.js';
import { filterOf } from './audit.filter.js';
import { CurrentCaller } from './caller.decorator.js';
import { GetOnly } from './get.only.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';

const PLACE = z.string().regex(/^\d{1,15}$/);

/** Finding what happened. */
@Controller('v1/audit')
export class AuditSearchController {
  constructor(private readonly searching: SearchAudit) {}

  @Get('search')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'searchAudit',
    tag: 'audit',
    summary: 'Find events of the audit log, newest first',
    description:
      'All filters that are given must hold. In the order of the log: an event is found once it has its place, within a ' +
      'second. The search is itself an event.',
    status: 200,
    answers: AuditSearchPage,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor'],
  })
  async search(
    @CurrentCaller() caller: Caller,
    @Query({ schema: AuditSearchQuery }) query: z.infer<typeof AuditSearchQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof AuditSearchPage>> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor, ...asked } = query;
    const cursors = new ListCursor('audit-search', asked, PLACE);
    const before = cursor === undefined ? undefined : Number(cursors.parse(cursor).id);
    const { records, more } = await this.searching.page(caller, filterOf(asked), {
      limit,
      ...(before === undefined ? {} : { before }),
    });
    const last = records.at(-1);
    const nextCursor = more && last ? cursors.after({ at: last.at, id: String(last.index) }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return {
      items: records.map((record) => ({ ...auditEventView(record), index: record.index })),
      nextCursor,
    };
  }

  @Get('counts')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'countAudit',
    tag: 'audit',
    summary: 'Count events of the audit log',
    description:
      'With the filters of the search: the 200 most frequent values, among the newest million events that are found. The ' +
      'counting is itself an event.',
    status: 200,
    answers: AuditCounts,
    problems: [],
  })
  async counts(
    @CurrentCaller() caller: Caller,
    @Query({ schema: AuditCountsQuery }) query: z.infer<typeof AuditCountsQuery>,
  ): Promise<z.infer<typeof AuditCounts>> {
    const { by, ...asked } = query;
    const { groups, total, more } = await this.searching.counts(caller, filterOf(asked), by);
    return { groups: [...groups], total, more };
  }
}
