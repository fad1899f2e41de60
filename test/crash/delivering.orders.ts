import { z } from 'zod';

/** What a delivering replica is told: its only argument, as JSON. */
export const Killed = z.strictObject({
  url: z.string(),
  /** Of the receiver on this machine. */
  port: z.int(),
  replica: z.string(),
  /** At which of its statements it dies, in one round; beyond the last it does not. */
  at: z.int(),
  when: z.enum(['before', 'sent', 'answered']),
});
export type Killed = z.infer<typeof Killed>;

/** The sink that it delivers to. */
export const SINK = 'siem';
