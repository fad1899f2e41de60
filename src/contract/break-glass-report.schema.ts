import { z } from 'zod';
import { FINDINGS } from '../domain/review/review.js';
import { REPORT_FORMAT } from './access-report.schema.js';
import { AuditReviewView } from './audit-review.schema.js';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { PersonView } from './person.schema.js';
import { instant } from './text.schema.js';

export const BREAK_GLASS_REVIEWS = ['owed', 'overdue', 'done'] as const;

export const BreakGlassQuery = z.strictObject({
  from: z.iso
    .datetime({ offset: true })
    .exactOptional()
    .meta({
      description:
        'Glass that was broken at this instant (RFC 3339) and later; half a year by default, and all where only those are ' +
        'asked for whose review is lacking.',
    }),
  until: z.iso.datetime({ offset: true }).exactOptional().meta({
    description: 'Glass that was broken before this instant; now by default.',
  }),
  review: z.enum(BREAK_GLASS_REVIEWS).exactOptional().meta({
    description: 'Only where the review is owed (late or not), overdue, or done.',
  }),
  format: REPORT_FORMAT,
  ...PAGE_QUERY,
});

export const BrokenGlassView = z
  .strictObject({
    session: z.string(),
    at: instant().meta({ description: 'When the glass was broken.' }),
    who: PersonView,
    issuer: z.string(),
    cluster: z.string(),
    namespace: z.string(),
    pod: z.string().nullable(),
    profile: z.string(),
    rule: z.string().nullable(),
    reason: z.string(),
    ticket: z.string().nullable(),
    state: z.string(),
    startedAt: instant().nullable(),
    endedAt: instant().nullable(),
    review: z.strictObject({
      state: z.enum(BREAK_GLASS_REVIEWS),
      dueAt: instant(),
      finding: z.enum(FINDINGS).nullable(),
      comment: z.string().nullable(),
      reviewer: PersonView.nullable(),
      at: instant().nullable(),
    }),
  })
  .meta({ id: 'BrokenGlass' });
export type BrokenGlassView = z.infer<typeof BrokenGlassView>;

export const BreakGlassReportView = z
  .strictObject({
    from: instant(),
    until: instant(),
    items: z.array(BrokenGlassView).meta({ description: 'The latest first.' }),
    overdue: z
      .strictObject({
        breakGlass: z.int().meta({ description: 'Of all times: owed though their time is up.' }),
        auditReviews: z.array(AuditReviewView).meta({
          description: 'Saved reviews whose time is up, the longest overdue first, 100 at most.',
        }),
      })
      .meta({ description: 'Which reviews are overdue now, whenever what they are of happened.' }),
    nextCursor: NEXT_CURSOR,
  })
  .meta({ id: 'BreakGlassReport' });
export type BreakGlassReportView = z.infer<typeof BreakGlassReportView>;
