import { auditEntry } from '../domain/audit/entry.js';
import type { AuditReview } from '../domain/review/audit-review.js';
import type { SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import type { AuditLog } from './ports/audit.log.js';
import type { AuditReviewStore } from './ports/audit-review.store.js';
import type {
  BreakGlassReport,
  BreakGlassReviewState,
  BrokenGlass,
} from './ports/break-glass.report.js';
import type { Clock } from './ports/clock.js';
import type { ReviewStore } from './ports/review.store.js';
import { reportSpan } from './report-access.js';

/** Saved reviews that are told to be overdue. */
const OVERDUE_MAX = 100;
const EVER = new Date(0);

export interface ReportOfBrokenGlass {
  readonly from: Date;
  readonly until: Date;
  readonly now: Date;
  readonly broken: readonly BrokenGlass[];
  readonly more: boolean;
  /** How many break-glass sessions owe a review that is late, and the saved reviews that are, at this moment. */
  readonly overdue: {
    readonly breakGlass: number;
    readonly auditReviews: readonly AuditReview[];
  };
}

/** Who broke the glass, and which reviews are overdue. Reading it is an event, written before anything is shown. */
export class ReportBreakGlass {
  constructor(
    private readonly deps: {
      readonly report: BreakGlassReport;
      readonly reviews: ReviewStore;
      readonly auditReviews: AuditReviewStore;
      readonly log: AuditLog;
      readonly clock: Clock;
    },
  ) {}

  /** Of half a year by default; of all times where only lacking reviews are asked for: those stay owed. */
  async read(
    caller: Caller,
    asked: {
      readonly from?: Date;
      readonly until?: Date;
      readonly review?: BreakGlassReviewState;
      readonly after?: { readonly at: Date; readonly id: SessionId };
      readonly limit: number;
    },
  ): Promise<ReportOfBrokenGlass> {
    const { report, reviews, auditReviews, log, clock } = this.deps;
    const now = clock.now();
    const { review, after, limit } = asked;
    const isLacking = review === 'owed' || review === 'overdue';
    const span = reportSpan(isLacking ? { from: EVER, ...asked } : asked, now);
    await log.append(
      auditEntry({
        at: now,
        action: 'audit.reported',
        outcome: 'success',
        actor: caller.actor,
        data: {
          report: 'break-glass',
          from: span.from.toISOString(),
          until: span.until.toISOString(),
          review,
        },
      }),
    );
    const [found, { overdue }, late] = await Promise.all([
      report.broken({
        ...span,
        now,
        limit: limit + 1,
        ...(review === undefined ? {} : { review }),
        ...(after === undefined ? {} : { after }),
      }),
      reviews.counts(now),
      auditReviews.list({ state: 'overdue', now, limit: OVERDUE_MAX }),
    ]);
    return {
      ...span,
      now,
      broken: found.slice(0, limit),
      more: found.length > limit,
      overdue: { breakGlass: overdue, auditReviews: late },
    };
  }
}
