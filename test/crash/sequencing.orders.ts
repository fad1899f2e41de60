import { z } from 'zod';

/** What a sequencing replica is told: its only argument, as JSON. */
export const Killing = z.strictObject({
  url: z.string(),
  origin: z.string(),
  /** As `hallpass audit keygen` makes it. */
  key: z.string(),
  batch: z.int(),
  /** At which of its statements it dies, in one round; beyond the last it does not. Null: it goes on, round after round. */
  at: z.int().nullable(),
  when: z.enum(['before', 'sent', 'answered']),
});
export type Killing = z.infer<typeof Killing>;

/** What it tells. */
export const Said = z.union([
  z.strictObject({ parted: z.string() }),
  /** The round is over, after so many. */
  z.strictObject({ statements: z.int() }),
]);
