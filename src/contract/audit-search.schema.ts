import { z } from 'zod';
import { AuditEventView } from './audit.schema.js';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { line } from './text.schema.js';
import { TRACE_RULE, traceIdOf } from '../domain/traceparent.js';

/** What events are counted by. */
export const AUDIT_COUNTED_BY = z.enum([
  'action',
  'outcome',
  'session',
  'person',
  'approver',
  'requester',
  'cluster',
  'namespace',
  'workload',
  'pod',
  'image',
  'rule',
  'ticket',
]);

const only = (max: number, description: string) => line(max).exactOptional().meta({ description });

/** All that is given must hold. */
const FILTER = {
  session: only(100, 'Only events of this session.'),
  action: only(100, 'Only events of this action, such as `session.start`.'),
  outcome: z
    .enum(['success', 'failure', 'denied'])
    .exactOptional()
    .meta({ description: 'Only events that ended so.' }),
  person: only(500, 'Only what this person did: their subject, or `issuer|subject`.'),
  email: only(320, 'Only what somebody of this e-mail did, as their token had it.'),
  approver: only(
    500,
    'Only words that this person gave on sessions: their subject, or `issuer|subject`.',
  ),
  requester: only(500, 'Only events that name this subject as who asked for the session.'),
  cluster: only(253, 'Only in this cluster.'),
  namespace: only(63, 'Only in this namespace.'),
  workload: only(300, 'Only where this workload was asked for: `Deployment/web`.'),
  pod: only(253, 'Only in this Pod.'),
  image: only(
    500,
    'Only with this image in the debug container: `name`, `name:tag`, `name@sha256:…`, or its digest `sha256:…`.',
  ),
  rule: only(253, 'Only where this rule of the policy decided.'),
  ticket: only(500, 'Only for this ticket.'),
  breakGlass: z
    .enum(['true', 'false'])
    .exactOptional()
    .meta({ description: 'Only of sessions that broke the glass, or only of others.' }),
  from: z.iso
    .datetime({ offset: true })
    .exactOptional()
    .meta({ description: 'Only of this instant (RFC 3339) and later.' }),
  until: z.iso
    .datetime({ offset: true })
    .exactOptional()
    .meta({ description: 'Only earlier than this instant (RFC 3339).' }),
  text: only(
    200,
    'Only with these words in reasons, comments, tickets and details: `"one after the other"`, `or`, `-without`.',
  ),
} as const;

/** Of searches alone: which sessions a review is of hangs on nothing that whoever asks for them says. */
const TRACE = {
  trace: line(200)
    .refine((text) => traceIdOf(text) !== undefined, TRACE_RULE)
    .exactOptional()
    .meta({
      description:
        'Only of this trace: its id, 32 hexadecimal digits, or a whole `traceparent` (W3C Trace Context). Whoever sent a request said which trace it is of.',
    }),
} as const;

/** An empty span of time is a mistake, and would find nothing. */
const IN_ORDER = {
  path: ['until'],
  error: 'must be later than from',
};
const isInOrder = ({ from, until }: { from?: string; until?: string }): boolean =>
  from === undefined || until === undefined || Date.parse(from) < Date.parse(until);

/** What events are found by, in a body as in a query. */
export const AuditSearchFilter = z.strictObject(FILTER).refine(isInOrder, IN_ORDER).meta({
  id: 'AuditSearchFilter',
  description: 'The filters of the search, as its query has them; all must hold.',
});

export const AuditSearchQuery = z
  .strictObject({ ...FILTER, ...TRACE, ...PAGE_QUERY })
  .refine(isInOrder, IN_ORDER);

export const AuditCountsQuery = z
  .strictObject({
    by: AUDIT_COUNTED_BY.meta({ description: 'What to count by.' }),
    ...FILTER,
    ...TRACE,
  })
  .refine(isInOrder, IN_ORDER);

export const FoundAuditEvent = z
  .strictObject({
    ...AuditEventView.shape,
    index: z.int().min(0).meta({ description: 'Its place in the log.' }),
  })
  .meta({ id: 'FoundAuditEvent' });

export const AuditSearchPage = z
  .strictObject({ items: z.array(FoundAuditEvent), nextCursor: NEXT_CURSOR })
  .meta({ id: 'AuditSearchPage' });

export const AuditCounts = z
  .strictObject({
    groups: z.array(
      z.strictObject({
        value: z.string().nullable().meta({ description: 'Null: events that say nothing of it.' }),
        count: z.int(),
      }),
    ),
    total: z.int().meta({
      description: 'How many events were counted, in groups that are not listed as well.',
    }),
    more: z
      .boolean()
      .meta({ description: 'Whether there are older events that were not counted.' }),
  })
  .meta({ id: 'AuditCounts' });
