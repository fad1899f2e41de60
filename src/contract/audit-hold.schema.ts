import { z } from 'zod';
import { SESSION_ID } from '../domain/session/session.js';
import { instant, line, prose } from './text.schema.js';

const moment = (description: string) =>
  z.iso.datetime({ offset: true }).exactOptional().meta({ description });

export const NewAuditHold = z
  .strictObject({
    session: z
      .string()
      .regex(SESSION_ID, 'must be the id of a session')
      .exactOptional()
      .meta({ description: 'Only what is of this session; otherwise of all, and of none.' }),
    from: moment('Only what happened at this instant (RFC 3339) and later.'),
    until: moment('Only what happened earlier than this instant.'),
    reason: prose(2000).meta({ description: 'Why, for the audit log.' }),
    ticket: line(200).exactOptional().meta({ description: 'Where it is written down.' }),
  })
  .superRefine(({ from, until }, context) => {
    if (from === undefined || until === undefined || Date.parse(from) < Date.parse(until)) return;
    context.addIssue({ code: 'custom', path: ['until'], message: 'must be later than from' });
  })
  .meta({ id: 'NewAuditHold', examples: [{ reason: 'under investigation', ticket: 'LEGAL-7' }] });

export const AuditHoldRelease = z
  .strictObject({
    reason: prose(2000).meta({ description: 'Why, for the audit log.' }),
    ticket: line(200).exactOptional().meta({ description: 'Where it is written down.' }),
  })
  .meta({ id: 'AuditHoldRelease', examples: [{ reason: 'the case is closed' }] });

export const AuditHoldView = z
  .strictObject({
    id: z.string(),
    session: z.string().nullable().meta({ description: 'Null: of all sessions, and of none.' }),
    from: instant().nullable(),
    until: instant().nullable(),
    reason: z.string(),
    ticket: z.string().nullable(),
    by: z.strictObject({ iss: z.string(), sub: z.string() }),
    at: instant().meta({ description: 'When it was placed.' }),
  })
  .meta({ id: 'AuditHold' });
export type AuditHoldView = z.infer<typeof AuditHoldView>;

export const AuditHoldList = z
  .strictObject({ items: z.array(AuditHoldView) })
  .meta({ id: 'AuditHoldList' });
