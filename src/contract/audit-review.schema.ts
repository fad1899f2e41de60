import { z } from 'zod';
import { AUDIT_FINDINGS, REVIEW_SESSIONS_MAX } from '../domain/review/audit-review.js';
import { SESSION_ID } from '../domain/session/session.js';
import { AuditSearchFilter } from './audit-search.schema.js';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { PersonView } from './person.schema.js';
import { SessionView } from './session.schema.js';
import { instant, line, prose } from './text.schema.js';

const OneOf = (body: { readonly filter?: unknown; readonly sessions?: unknown }) =>
  (body.filter === undefined) !== (body.sessions === undefined);

/** A review to be opened. */
export const NewAuditReview = z
  .strictObject({
    title: line(200).meta({ description: 'What it is about, for people.' }),
    filter: AuditSearchFilter.exactOptional().meta({
      description:
        `The sessions of whose events the search finds any now, ${REVIEW_SESSIONS_MAX} at most. Of an ` +
        '`approver`: those on which they gave their word. Later ones are not added.',
    }),
    sessions: z
      .array(z.string().regex(SESSION_ID, 'must be the id of a session'))
      .min(1)
      .max(REVIEW_SESSIONS_MAX)
      .exactOptional()
      .meta({ description: 'These sessions; instead of a filter.' }),
    dueAt: z.iso.datetime({ offset: true }).meta({
      description: 'By when all of them should be signed off (RFC 3339).',
    }),
  })
  .refine(OneOf, { error: 'must have one of "filter" and "sessions"' })
  .meta({
    id: 'NewAuditReview',
    examples: [
      {
        title: 'Broken glass in payments, first half of 2026',
        filter: {
          namespace: 'payments',
          breakGlass: 'true',
          from: '2026-01-01T00:00:00Z',
          until: '2026-07-01T00:00:00Z',
        },
        dueAt: '2026-08-01T00:00:00Z',
      },
    ],
  });

const FINDING = z.enum(AUDIT_FINDINGS).meta({
  description:
    '`in-order`: as it should be. `concern`: to be talked about. `violation`: against the rules.',
});

/** An auditor's word on a session. */
export const NewSignOff = z
  .strictObject({
    finding: FINDING,
    comment: prose(2000).meta({ description: 'What was looked at, and what follows from it.' }),
  })
  .meta({
    id: 'NewSignOff',
    examples: [{ finding: 'in-order', comment: 'Read the recording: what OPS-7 says was done.' }],
  });

export const AuditReviewClosing = z
  .strictObject({
    reason: prose(2000).meta({ description: 'Why, though sessions of it are not signed off.' }),
  })
  .meta({ id: 'AuditReviewClosing' });

export const AuditReviewView = z
  .strictObject({
    id: z.uuid(),
    title: z.string(),
    filter: AuditSearchFilter.nullable().meta({
      description: 'What its sessions were found by; null where they were named.',
    }),
    openedBy: PersonView,
    openedAt: instant(),
    dueAt: instant(),
    state: z.enum(['open', 'closed']),
    overdue: z.boolean().meta({ description: 'Whether it is open though its time is up.' }),
    sessions: z.int(),
    signedOff: z.int(),
    findings: z.strictObject({ 'in-order': z.int(), concern: z.int(), violation: z.int() }).meta({
      description: 'How many there are of each, by the latest word on each session.',
    }),
    closed: z
      .strictObject({ by: PersonView, at: instant(), reason: z.string().nullable() })
      .nullable()
      .meta({ description: 'Without a reason: the last session was signed off.' }),
  })
  .meta({ id: 'AuditReview' });
export type AuditReviewView = z.infer<typeof AuditReviewView>;

export const AuditReviewPage = z
  .strictObject({ items: z.array(AuditReviewView), nextCursor: NEXT_CURSOR })
  .meta({ id: 'AuditReviewPage' });

export const AuditReviewQuery = z.strictObject({
  state: z.enum(['open', 'overdue', 'closed']).exactOptional().meta({
    description:
      '`open` (the default): soonest due first. `overdue`: those of them whose time is up. `closed`: latest due first.',
  }),
  ...PAGE_QUERY,
});

export const AuditReviewSessionsQuery = z.strictObject({
  only: z.enum(['open', 'signed-off']).exactOptional().meta({
    description: 'Only sessions that are not signed off yet, or only those that are.',
  }),
  ...PAGE_QUERY,
});

export const SignOffView = z
  .strictObject({ finding: FINDING, comment: z.string(), by: PersonView, at: instant() })
  .meta({ id: 'SignOff' });
export type SignOffView = z.infer<typeof SignOffView>;

export const AuditReviewItem = z
  .strictObject({
    session: SessionView,
    signOff: SignOffView.nullable().meta({ description: 'The latest word; null where there is none.' }), // prettier-ignore
    earlier: z.array(SignOffView).meta({ description: 'What was said before it, latest first.' }),
    maySignOff: z.boolean().meta({
      description: 'Whether the caller may: not who asked for it or had a say in it.',
    }),
  })
  .meta({ id: 'AuditReviewItem' });
export type AuditReviewItem = z.infer<typeof AuditReviewItem>;

export const AuditReviewDetails = z
  .strictObject({
    review: AuditReviewView,
    items: z.array(AuditReviewItem),
    nextCursor: NEXT_CURSOR,
  })
  .meta({ id: 'AuditReviewDetails' });
export type AuditReviewDetails = z.infer<typeof AuditReviewDetails>;
