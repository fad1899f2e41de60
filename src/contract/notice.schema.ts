import { z } from 'zod';
import { URGENCIES } from '../domain/notice/notice.kinds.js';
import { PersonView } from './person.schema.js';
import { instant } from './text.schema.js';

/** The session that a notice is about, as it was when the notice was made. */
export const NoticeSession = z.object({
  id: z.string(),
  state: z.string(),
  requester: PersonView,
  cluster: z.string(),
  namespace: z.string(),
  /** As `Deployment/web`, or the Pod's name. */
  target: z.string(),
  pod: z.string().nullable(),
  container: z.string().nullable(),
  profile: z.string(),
  durationSeconds: z.int(),
  reason: z.string(),
  ticket: z.string().nullable(),
  rule: z.string().nullable(),
  breakGlass: z.boolean(),
  /** Who has a say in it. */
  asked: z.object({ groups: z.array(z.string()), users: z.array(z.string()) }),
  createdAt: instant(),
  startedAt: instant().nullable(),
  deadline: instant().nullable(),
  endedAt: instant().nullable(),
  endReason: z.string().nullable(),
  endDetail: z.string().nullable(),
});
export type NoticeSession = z.infer<typeof NoticeSession>;

/** A notice: what a channel is told. Webhooks get it as `data`. */
export const NoticeBody = z.object({
  id: z.string(),
  kind: z.string(),
  urgency: z.enum(URGENCIES),
  title: z.string(),
  sentence: z.string(),
  at: instant(),
  cluster: z.string().nullable(),
  namespace: z.string().nullable(),
  session: NoticeSession.nullable(),
  /** What else there is to say, by what it is. */
  details: z.record(z.string(), z.string()),
  /** Where more can be seen. */
  url: z.string().nullable(),
});
export type NoticeBody = z.infer<typeof NoticeBody>;
