import { z } from 'zod';
import { FINDINGS } from '../domain/review/review.js';
import { PersonView } from './person.schema.js';
import { instant, prose } from './text.schema.js';

/** What a reviewer says of a break-glass session. */
export const NewReview = z
  .strictObject({
    finding: z.enum(FINDINGS).meta({
      description:
        '`justified`: it was right. `avoidable`: it was meant well, and there was another way. `misuse`: it was wrong.',
    }),
    comment: prose(2000).meta({ description: 'What was looked at, and what follows from it.' }),
  })
  .meta({
    id: 'NewReview',
    examples: [
      { finding: 'justified', comment: 'Orders were stuck, and nobody of payments-leads was up.' },
    ],
  });

/** The review that a break-glass session owes, as it stands. */
export const ReviewView = z
  .strictObject({
    dueAt: instant(),
    overdue: z.boolean().meta({
      description: 'Whether it is late: then it blocks the next break-glass.',
    }),
    team: z.string().nullable().meta({
      description: 'The team that it blocks once it is overdue; null: its requester alone.',
    }),
    mayReview: z.boolean().meta({ description: 'Whether the caller can review it now.' }),
    finding: z.enum(FINDINGS).nullable().meta({ description: 'Null until it is reviewed.' }),
    comment: z.string().nullable(),
    reviewer: PersonView.nullable(),
    at: instant().nullable().meta({ description: 'When it was reviewed.' }),
  })
  .meta({ id: 'Review' });
export type ReviewView = z.infer<typeof ReviewView>;
