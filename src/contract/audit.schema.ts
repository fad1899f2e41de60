import { z } from 'zod';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { instant, line } from './text.schema.js';

export const AuditQuery = z.strictObject({
  session: line(100).exactOptional().meta({ description: 'Only events of this session.' }),
  action: line(100)
    .exactOptional()
    .meta({ description: 'Only events of this action, such as `session.start`.' }),
  ...PAGE_QUERY,
});

export const AuditEventView = z
  .strictObject({
    id: z.string(),
    at: instant(),
    action: z.string(),
    session: z.string().nullable(),
    body: z.unknown().meta({
      description:
        'The event itself. Its canonical form (RFC 8785) is what was hashed. Null where it was dropped.',
    }),
    dropped: z.boolean().meta({
      description: 'Whether the body was dropped at the end of its time: its hash stays.',
    }),
    leafHash: z.string().meta({
      description: 'SHA-256 (hex) of a zero byte and the canonical body (RFC 6962 §2.1).',
    }),
  })
  .meta({ id: 'AuditEvent' });
export type AuditEventView = z.infer<typeof AuditEventView>;

export const AuditPage = z
  .strictObject({ items: z.array(AuditEventView), nextCursor: NEXT_CURSOR })
  .meta({ id: 'AuditPage' });
