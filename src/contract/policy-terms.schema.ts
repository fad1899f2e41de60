import { z } from 'zod';
import {
  FILE_COPIES,
  ON_ACCESS_REMOVED,
  ON_OVERRUN,
  RECORDINGS,
  SLACK_CONSENTS,
  WAYS,
  TERMS_OF_OLD,
  WATCHERS,
} from '../domain/policy/policy.js';
import { durationSchema } from './duration.schema.js';
import { onObjects } from './document.schema.js';
import { PEOPLE, SOMEBODY_RULE, namesSomebody } from './people.schema.js';

const LONGEST_SECONDS_MAX = 7 * 86_400;
const REQUIREMENTS_MAX = 10;

const longest = durationSchema.refine(
  (it: number | undefined) => it === undefined || it <= LONGEST_SECONDS_MAX,
  'must be 168h at most',
);

const requirement = z
  .strictObject({
    count: z.int().min(0).max(10).default(1).meta({
      description: 'How many of them must agree: no more than are named, where no group is.',
    }),
    ...PEOPLE,
  })
  .refine(namesSomebody, SOMEBODY_RULE);

const signIn = z.strictObject({
  acr: z.array(z.string().min(1).max(256)).max(20).default([]).meta({
    description: 'One of these authentication context classes.',
  }),
  amr: z.array(z.string().min(1).max(256)).max(20).default([]).meta({
    description: 'All of these authentication methods (RFC 8176), such as `mfa`.',
  }),
  maxAge: durationSchema.exactOptional().meta({
    description: 'How long ago the sign-in may be.',
  }),
});

const approvals = z.strictObject({
  require: z.array(requirement).max(REQUIREMENTS_MAX).default([]).meta({
    description:
      'Each of these must be met, by distinct people, never the requester. With `count: 0` nobody need agree; these people may revoke.',
  }),
  commentRequired: z.boolean().default(false).meta({
    description: 'Whether a consent must say why.',
  }),
  signIn: signIn
    .refine((it) => it.acr.length + it.amr.length > 0 || it.maxAge !== undefined, {
      ...onObjects,
      error: 'must ask for something: acr, amr or maxAge',
    })
    .exactOptional()
    .meta({
      description:
        'How strongly whoever consents must have signed in. A consent in Slack, where nobody signs in, leads to the page then.',
    }),
  escalation: z
    .strictObject({
      after: durationSchema.meta({ description: 'How long after asking.' }),
      ...PEOPLE,
    })
    .refine(namesSomebody, SOMEBODY_RULE)
    .exactOptional()
    .meta({
      description:
        'From so long after asking on, these people are asked too, and count for any requirement.',
    }),
});

const textRule = (required: boolean, what: string) =>
  z
    .strictObject({
      required: z
        .boolean()
        .default(required)
        .meta({ description: `Whether a ${what} must be given.` }),
      pattern: z
        .string()
        .min(1)
        .max(500)
        .exactOptional()
        .meta({
          description: `What all of the ${what} must match where one is given (RE2).`,
        }),
    })
    .prefault({});

const count = z.int().min(1).max(1000);

const breakGlass = z
  .strictObject({
    signIn: signIn.prefault({}),
    review: z
      .strictObject({
        within: durationSchema.meta({ description: 'How long after its grant it is due.' }),
        ...PEOPLE,
      })
      .refine(namesSomebody, SOMEBODY_RULE)
      .meta({ description: 'Who must review it, and within what time from its grant.' }),
    blocks: z.enum(['person', 'team']).default('person').meta({
      description:
        'Whose overdue reviews keep from the next break-glass: the person’s own, or those of the whole `team` too.',
    }),
    team: z.string().min(1).max(253).exactOptional().meta({
      description: 'The team that owes the reviews; with `blocks: team` only.',
    }),
  })
  .refine((it) => (it.blocks === 'team') === (it.team !== undefined), {
    ...onObjects,
    path: ['team'],
    error: 'must be given with blocks: team, and with nothing else',
  });

/** The terms on which an allow lets somebody in. */
export const termsSchema = z
  .strictObject({
    longest: longest.exactOptional().meta({
      description: 'The longest session, as `30m` or `1h30m`. Give one of the two.',
    }),
    longestSeconds: z.int().min(1).max(LONGEST_SECONDS_MAX).exactOptional().meta({
      description: 'The longest session, in seconds.',
    }),
    approvals: approvals.prefault({}),
    reason: textRule(true, 'reason'),
    ticket: textRule(false, 'ticket'),
    recording: z.enum(RECORDINGS).default('strict').meta({
      description:
        '`strict`: what cannot be recorded ends the session. `best-effort`: the gap is marked.',
    }),
    keepRecording: durationSchema.default(TERMS_OF_OLD.keepRecordingSeconds).meta({
      description: 'How long recordings are kept, from their end: `90d`, `12h`.',
    }),
    watcher: z.enum(WATCHERS).default(TERMS_OF_OLD.watcher).meta({
      description:
        '`required`: nothing is typed or shown but while somebody entitled is watching. `none`: whoever may watch, can.',
    }),
    streams: z.int().min(1).max(100).default(TERMS_OF_OLD.streams).meta({
      description:
        'How many streams of one session may be open at once: terminals, commands, copies, forwarded ports.',
    }),
    ways: z
      .array(z.enum(WAYS))
      .min(1)
      .default([...WAYS])
      .meta({ description: 'Which ways in there are.' }),
    fileCopies: z.enum(FILE_COPIES).default('both').meta({
      description: 'Which way files may be copied, pipes included; `download` is out of the Pod.',
    }),
    portForward: z.boolean().default(false).meta({
      description: 'Whether ports may be forwarded.',
    }),
    concurrent: z
      .strictObject({
        perPerson: count.exactOptional().meta({ description: 'Of one person.' }),
        perPod: count.exactOptional().meta({ description: 'On one Pod.' }),
      })
      .prefault({})
      .meta({ description: 'How many sessions may be open at once. Left out: no limit.' }),
    extension: z
      .strictObject({
        times: z.int().min(1).max(100).meta({ description: 'How often.' }),
        longest: longest.meta({ description: 'By how much at most, each time.' }),
      })
      .exactOptional()
      .meta({ description: 'How often it may be extended, and by how much. Left out: never.' }),
    idle: durationSchema.exactOptional().meta({
      description: 'How long nothing may be typed before it ends. Left out: for ever.',
    }),
    onOverrun: z.enum(ON_OVERRUN).default('alert').meta({
      description:
        'What to do with a container that will not end: raise an alert, or evict its Pod.',
    }),
    onAccessRemoved: z.enum(ON_ACCESS_REMOVED).default('end').meta({
      description: 'What becomes of a session whose requester no rule would let in any more.',
    }),
    slack: z
      .strictObject({
        channels: z
          .array(
            z.string().regex(/^[CG][A-Z0-9]{2,20}$/, 'must be the id of a channel, as C0123456789'),
          )
          .max(10)
          .default([])
          .meta({
            description:
              'The channels, by id, in which those who may consent are told of a request.',
          }),
        consent: z.enum(SLACK_CONSENTS).default(TERMS_OF_OLD.slack.consent).meta({
          description:
            '`counts`: a consent in Slack is one. `page`: it leads to a page where people sign in to give it.',
        }),
        profiles: z
          .array(z.string().min(1).max(253))
          .min(1)
          .max(50)
          .default([...TERMS_OF_OLD.slack.profiles])
          .meta({
            description:
              'For which profiles (patterns) a consent in Slack counts; for others it leads to the page.',
          }),
      })
      .prefault({}),
    breakGlass: breakGlass.exactOptional().meta({
      description: 'On what terms somebody may be let in at once. Left out: not at all.',
    }),
  })
  .refine((it) => (it.longest === undefined) !== (it.longestSeconds === undefined), {
    ...onObjects,
    path: ['longest'],
    error: 'give one of longest and longestSeconds',
  });
export type TermsDocument = z.output<typeof termsSchema>;
export type PeopleDocument = Pick<z.output<typeof requirement>, 'groups' | 'users' | 'approvers'>;
