import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import type { AccessLine } from '../../app/ports/access.report.js';
import { ReportAccess } from '../../app/report-access.js';
import { AccessReportQuery, AccessReportView } from '../../contract/access-report.schema.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { GetOnly } from './get.only.js';
import { Operation } from './operation.decorator.js';

/** Reports for auditors. */
@Controller('v1/audit/reports')
export class ReportsController {
  constructor(private readonly reporting: ReportAccess) {}

  @Get('access')
  @GetOnly()
  @Allow('audit:read')
  @Operation({
    id: 'reportAccess',
    tag: 'audit',
    summary: 'Who had access to what: the access review',
    description:
      'Per group and per namespace, what was asked for, refused and started, how often the glass was broken, and which ' +
      'reviews are overdue. Reading it is itself an event.',
    status: 200,
    answers: AccessReportView,
    problems: [],
  })
  async access(
    @CurrentCaller() caller: Caller,
    @Query({ schema: AccessReportQuery }) { from, until }: z.infer<typeof AccessReportQuery>,
  ): Promise<z.infer<typeof AccessReportView>> {
    const report = await this.reporting.read(caller, {
      ...(from === undefined ? {} : { from: new Date(from) }),
      ...(until === undefined ? {} : { until: new Date(until) }),
    });
    return {
      from: report.from.toISOString(),
      until: report.until.toISOString(),
      groups: report.groups.map(lineView),
      namespaces: report.namespaces.map(lineView),
      more: report.more,
    };
  }
}

function lineView({ lastAskedAt, ...line }: AccessLine) {
  return { ...line, lastAskedAt: lastAskedAt.toISOString() };
}
