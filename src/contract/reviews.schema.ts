import { z } from 'zod';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { ReviewView } from './review.schema.js';
import { SessionView } from './session.schema.js';

export const ReviewQuery = z.strictObject({
  state: z.enum(['open', 'overdue', 'done']).exactOptional().meta({
    description:
      '`open` (the default): owed, soonest due first. `overdue`: those of them that are late. `done`: latest due first.',
  }),
  ...PAGE_QUERY,
});

export const ReviewPage = z
  .strictObject({
    items: z.array(z.strictObject({ session: SessionView, review: ReviewView })),
    nextCursor: NEXT_CURSOR,
  })
  .meta({ id: 'ReviewPage' });
export type ReviewPage = z.infer<typeof ReviewPage>;
