import { z } from 'zod';
import {
  FILE_COPIES,
  ON_ACCESS_REMOVED,
  ON_OVERRUN,
  RECORDINGS,
  SLACK_CONSENTS,
  WATCHERS,
  WAYS,
} from '../domain/policy/policy.js';

const count = (description: string) => z.int().min(1).nullable().meta({ description });

/** How strongly somebody must have signed in. */
export const SignInTerms = z.strictObject({
  acr: z.array(z.string()).meta({ description: 'One of these classes; none: any.' }),
  amr: z.array(z.string()).meta({ description: 'All of these methods.' }),
  maxAgeSeconds: count('How long ago it may be; null: as long as the token holds.'),
});

const BreakGlassTerms = z.strictObject({
  signIn: SignInTerms,
  review: z.strictObject({
    withinSeconds: z.int().min(1).meta({ description: 'How long after the grant it is due.' }),
    groups: z.array(z.string()).meta({ description: 'Whose members may review it.' }),
    users: z.array(z.string()).meta({ description: 'Who may review it besides, by subject.' }),
  }),
  team: z.string().nullable().meta({
    description: 'The team that an overdue review blocks; null: its requester alone.',
  }),
});

/** The terms that a session was granted, but for those that `approvals` and the request itself show. */
export const SessionTermsView = z
  .strictObject({
    longestSeconds: z.int().min(1).meta({ description: 'The longest that could be asked for.' }),
    recording: z.enum(RECORDINGS).meta({
      description:
        '`strict`: what cannot be recorded ends the session. `best-effort`: the gap is marked.',
    }),
    keepRecordingSeconds: z.int().min(1).meta({
      description: 'How long recordings are kept, from their end.',
    }),
    watcher: z.enum(WATCHERS).meta({
      description: '`required`: nothing is typed or shown but while somebody entitled is watching.',
    }),
    streams: z.int().min(1).meta({ description: 'How many streams may be open at once.' }),
    ways: z.array(z.enum(WAYS)).meta({ description: 'Which ways in there are.' }),
    fileCopies: z.enum(FILE_COPIES).meta({
      description: 'Which way files may be copied, pipes included; `download` is out of the Pod.',
    }),
    portForward: z.boolean().meta({ description: 'Whether ports may be forwarded.' }),
    concurrent: z
      .strictObject({
        perPerson: count('Of one person; null: no limit.'),
        perPod: count('On one Pod; null: no limit.'),
      })
      .meta({ description: 'How many sessions might be open at once when it was asked for.' }),
    extension: z
      .strictObject({
        times: z.int().min(1).meta({ description: 'How often.' }),
        longestSeconds: z.int().min(1).meta({ description: 'By how much at most, each time.' }),
      })
      .nullable()
      .meta({ description: 'How often it may be extended, and by how much; null: never.' }),
    idleSeconds: count('How long nothing may be typed before it ends; null: for ever.'),
    onOverrun: z.enum(ON_OVERRUN).meta({
      description:
        'What to do with a container that will not end: raise an alert, or evict its Pod.',
    }),
    onAccessRemoved: z.enum(ON_ACCESS_REMOVED).meta({
      description: 'What becomes of it where no rule would let its requester in any more.',
    }),
    slack: z
      .strictObject({
        channels: z.array(z.string()),
        consent: z.enum(SLACK_CONSENTS),
        profiles: z.array(z.string()),
      })
      .meta({
        description:
          'In which channels it is told of, and for which profiles a consent in Slack `counts` or leads to the `page` where people sign in.',
      }),
    breakGlass: BreakGlassTerms.nullable().meta({
      description:
        'On what terms the rule lets somebody in at once, whether or not this session was; null: not at all.',
    }),
  })
  .meta({
    id: 'SessionTerms',
    description: 'The terms of the rule that let the session in, as they were then.',
  });
export type SessionTermsView = z.infer<typeof SessionTermsView>;
