import { auditEntry } from '../domain/audit/entry.js';
import type { Caller } from './caller.js';
import type { AccessLine, AccessReport } from './ports/access.report.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Clock } from './ports/clock.js';

const LINES_MAX = 1_000;
/** Of a report without a beginning: half a year, as access reviews have it. */
export const REPORT_DAYS = 183;
const DAY_MS = 86_400_000;

export interface ReportOfAccess {
  readonly from: Date;
  readonly until: Date;
  readonly groups: readonly AccessLine[];
  readonly namespaces: readonly AccessLine[];
  /** Whether there are more groups or namespaces than are told. */
  readonly more: boolean;
}

/** The access review: who had access to what, in numbers. Reading it is an event, written before anything is shown. */
export class ReportAccess {
  constructor(
    private readonly deps: {
      readonly report: AccessReport;
      readonly log: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /** Of sessions asked for from `from` on and before `until`: now, and half a year before it, where they are not given. */
  async read(
    caller: Caller,
    asked: {
      readonly from?: Date;
      readonly until?: Date;
      /** Only for these; for both by default. */
      readonly by?: 'group' | 'namespace';
    },
  ): Promise<ReportOfAccess> {
    const { report, log, clock } = this.deps;
    const now = clock.now();
    const { from, until } = reportSpan(asked, now);
    await log.append(
      auditEntry({
        at: now,
        action: 'audit.reported',
        outcome: 'success',
        actor: caller.actor,
        data: { report: 'access', from: from.toISOString(), until: until.toISOString() },
      }),
    );
    const span = { from, until, now, limit: LINES_MAX + 1 };
    const lines = async (by: 'group' | 'namespace') =>
      asked.by === undefined || asked.by === by ? report.lines({ by, ...span }) : [];
    const groups = await lines('group');
    const namespaces = await lines('namespace');
    return {
      from,
      until,
      groups: groups.slice(0, LINES_MAX),
      namespaces: namespaces.slice(0, LINES_MAX),
      more: groups.length > LINES_MAX || namespaces.length > LINES_MAX,
    };
  }
}

/** The time that a report is of. */
export function reportSpan(
  asked: { readonly from?: Date; readonly until?: Date },
  now: Date,
): { readonly from: Date; readonly until: Date } {
  const until = asked.until ?? now;
  return { until, from: asked.from ?? new Date(until.getTime() - REPORT_DAYS * DAY_MS) };
}
