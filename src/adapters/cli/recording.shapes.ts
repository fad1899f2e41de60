import { z } from 'zod';

/** What is read of a recording: members that are not there are not shown. */
export const RecordingShape = z.looseObject({
  id: z.string(),
  session: z.string().optional(),
  kind: z.string().optional(),
  state: z.string().optional(),
  startedAt: z.string().nullish(),
  endedAt: z.string().nullish(),
  keepUntil: z.string().nullish(),
});
export type RecordingShape = z.infer<typeof RecordingShape>;

export const RecordingListShape = z.object({
  items: z.array(RecordingShape),
  nextCursor: z.string().nullable().default(null),
});

export const FoundLineShape = z.looseObject({
  recording: z.string(),
  session: z.string().optional(),
  at: z.string().optional(),
  atMs: z.number().optional(),
  line: z.string().optional(),
  text: z.string().optional(),
});

export const FoundListShape = z.object({
  items: z.array(FoundLineShape),
  nextCursor: z.string().nullable().default(null),
});
