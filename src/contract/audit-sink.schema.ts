import { z } from 'zod';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { instant, line, prose } from './text.schema.js';

export const AuditSinkView = z
  .strictObject({
    name: z.string(),
    kind: z.string().meta({ description: 'As `webhook`, `splunk`, `s3` or `syslog`.' }),
    format: z.string(),
    state: z.enum(['current', 'behind', 'failing']).meta({
      description:
        '`current`: it has all. `behind`: events wait, as they do for a moment. `failing`: the last try failed, and it is tried again.',
    }),
    next: z.int().meta({ description: 'The place of the event that is delivered next.' }),
    lagEvents: z.int().meta({ description: 'Events that it has not.' }),
    lagSeconds: z.number().meta({ description: 'How old the oldest of them is.' }),
    failingSince: instant().nullable(),
    lastError: z
      .strictObject({ words: z.string(), at: instant() })
      .nullable()
      .meta({ description: 'What was wrong last; it may be over.' }),
    deadLetters: z.int().meta({ description: 'Events that it refused and has not taken since.' }),
    replaying: z.int().meta({ description: 'Those of them that are to be delivered again.' }),
  })
  .meta({ id: 'AuditSink' });
export type AuditSinkView = z.infer<typeof AuditSinkView>;

export const AuditSinkList = z
  .strictObject({ items: z.array(AuditSinkView) })
  .meta({ id: 'AuditSinkList' });

export const DeadLetterQuery = z.strictObject({ ...PAGE_QUERY });

export const DeadLetterView = z
  .strictObject({
    index: z.int().meta({ description: 'The place of the event in the log.' }),
    id: z.string(),
    action: z.string(),
    reason: z
      .string()
      .meta({ description: 'What the sink said, or did, when it refused it last.' }),
    at: instant().meta({ description: 'When it was refused last.' }),
    replayAt: instant()
      .nullable()
      .meta({ description: 'Since when it is to be delivered again; null: nobody asked.' }),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetterView = z.infer<typeof DeadLetterView>;

export const DeadLetterPage = z
  .strictObject({ items: z.array(DeadLetterView), nextCursor: NEXT_CURSOR })
  .meta({ id: 'DeadLetterPage' });

export const SinkReplay = z
  .strictObject({
    reason: prose(2000).meta({ description: 'Why, for the audit log.' }),
    ticket: line(200).exactOptional().meta({ description: 'Where it is written down.' }),
  })
  .meta({ id: 'SinkReplay', examples: [{ reason: 'the receiver takes large events now' }] });

export const SinkReplayed = z
  .strictObject({
    events: z.int().meta({
      description:
        'How many are delivered again because of this; 0 where all were asked for, or none is there.',
    }),
  })
  .meta({ id: 'SinkReplayed' });
