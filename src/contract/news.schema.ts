import { z } from 'zod';
import { PersonView } from './person.schema.js';
import { instant } from './text.schema.js';

/** In the news of the step `break-glass`: all that a notifier needs to tell those whom it concerns. */
export const BrokenGlassNews = z.object({
  event: z.literal('break-glass'),
  brokenGlass: z.object({
    who: PersonView.extend({ iss: z.string() }),
    target: z.object({
      cluster: z.string(),
      namespace: z.string(),
      pod: z.string(),
      container: z.string().nullable(),
    }),
    profile: z.string(),
    durationSeconds: z.int(),
    rule: z.string(),
    reason: z.string(),
    ticket: z.string().nullable(),
    /** Whom to tell: those who would have had a say, and those who review it. */
    tell: z.object({ groups: z.array(z.string()), users: z.array(z.string()) }),
    reviewDueAt: instant(),
  }),
});
export type BrokenGlassNews = z.infer<typeof BrokenGlassNews>;

/** News of the topic `incident`: something begins to be wrong, or is wrong no more. Written once for each time. */
export const IncidentNews = z.object({
  /** The kind of notice. */
  event: z.string(),
  /** Which one: the same when it begins and when it is over. */
  incident: z.string(),
  state: z.enum(['begun', 'over']),
  details: z.record(z.string(), z.string()),
});
export type IncidentNews = z.infer<typeof IncidentNews>;
