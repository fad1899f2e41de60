import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import type { AccessLine } from '../../app/ports/access.report.js';
import { ReportAccess } from '../../app/report-access.js';
import { ReportBreakGlass } from '../../app/report-break-glass.js';
import { auditReviewView } from '../../app/views/audit-review.view.js';
import { brokenGlassView } from '../../app/views/break-glass.view.js';
import { AccessReportQuery, AccessReportView } from '../../contract/access-report.schema.js';
import { BreakGlassQuery, BreakGlassReportView } from '../../contract/break-glass-report.schema.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { ACCESS_COLUMNS, accessRows, BROKEN_GLASS_COLUMNS } from '../../contract/report.tables.js';
import type { SessionId } from '../../domain/session/session.js';
import { SESSION_ID } from '../../domain/session/session.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { csvAnswer, wantsCsv } from './csv.answer.js';
import { GetOnly } from './get.only.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';

const SESSION_IDS = z.string().regex(SESSION_ID);

/** Reports for auditors. */
@Controller('v1/audit/reports')
export class ReportsController {
  constructor(
    private readonly reporting: ReportAccess,
    private readonly glass: ReportBreakGlass,
  ) {}

  @Get('access')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'reportAccess',
    tag: 'audit',
    summary: 'Who had access to what: the access review',
    description:
      'Per group and per namespace, what was asked for, refused and started, how often the glass was broken, and which ' +
      'reviews are overdue. Reading it is itself an event. As CSV too (`text/csv`): `format=csv`.',
    status: 200,
    answers: AccessReportView,
    texts: ['text/csv'],
    problems: [],
  })
  async access(
    @CurrentCaller() caller: Caller,
    @Query({ schema: AccessReportQuery })
    { from, until, by, format }: z.infer<typeof AccessReportQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof AccessReportView> | string> {
    const report = await this.reporting.read(caller, { ...spanOf({ from, until }), ...(by === undefined ? {} : { by }) }); // prettier-ignore
    const view = {
      from: report.from.toISOString(),
      until: report.until.toISOString(),
      groups: report.groups.map(lineView),
      namespaces: report.namespaces.map(lineView),
      more: report.more,
    };
    if (!wantsCsv(request, format)) return view;
    return csvAnswer(reply, { name: 'access', columns: ACCESS_COLUMNS, rows: accessRows(view) });
  }

  @Get('break-glass')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'reportBreakGlass',
    tag: 'audit',
    summary: 'Who broke the glass, and which reviews are overdue',
    description:
      'By name, with the session, the reason and how its review stands; and which reviews are overdue now, those that ' +
      'break-glass sessions owe and saved ones. Reading it is itself an event. As CSV too (`text/csv`): `format=csv` gives ' +
      'the items.',
    status: 200,
    answers: BreakGlassReportView,
    texts: ['text/csv'],
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor'],
  })
  async breakGlass(
    @CurrentCaller() caller: Caller,
    @Query({ schema: BreakGlassQuery }) query: z.infer<typeof BreakGlassQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BreakGlassReportView | string> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor, format, review, ...span } = query;
    const cursors = new ListCursor('break-glass', { ...span, review: review ?? null }, SESSION_IDS);
    const after = cursor === undefined ? undefined : cursors.parse(cursor);
    const report = await this.glass.read(caller, {
      ...spanOf(span),
      ...(review === undefined ? {} : { review }),
      ...(after ? { after: { at: after.at, id: after.id as SessionId } } : {}),
      limit,
    });
    const last = report.broken.at(-1);
    const nextCursor =
      report.more && last ? cursors.after({ at: last.at, id: last.session.id }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    const items = report.broken.map((it) => brokenGlassView(it, report.now));
    if (wantsCsv(request, format))
      return csvAnswer(reply, { name: 'break-glass', columns: BROKEN_GLASS_COLUMNS, rows: items });
    return {
      from: report.from.toISOString(),
      until: report.until.toISOString(),
      items,
      overdue: {
        breakGlass: report.overdue.breakGlass,
        auditReviews: report.overdue.auditReviews.map((it) => auditReviewView(it, report.now)),
      },
      nextCursor,
    };
  }
}

function spanOf({ from, until }: { from?: string | undefined; until?: string | undefined }) {
  return {
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}

function lineView({ lastAskedAt, ...line }: AccessLine) {
  return { ...line, lastAskedAt: lastAskedAt.toISOString() };
}
