import { z } from 'zod';
import { ACTIONS, END_REASONS, STATES } from '../domain/session/session.machine.js';
import { POD_CHOICES, START_MODES, WORKLOAD_KINDS } from '../domain/session/session.js';
import { NEXT_CURSOR, PAGE_QUERY, repeatable } from './page.schema.js';
import { PersonView } from './person.schema.js';
import { ReviewView } from './review.schema.js';
import { SessionTermsView, SignInTerms } from './session-terms.schema.js';
import { dnsLabel, dnsSubdomain, instant, line, prose } from './text.schema.js';

/** No session is longer than a week, whatever the configuration says. */
export const DURATION_SECONDS_MAX = 604_800;

const TARGET_RULE = 'must name either a "pod" or a "workload", and not both';

const Target = z
  .union(
    [
      z.strictObject({
        pod: dnsSubdomain().meta({
          description: 'The name of a Pod.',
          examples: ['checkout-7d9f-x2x4z'],
        }),
      }),
      z.strictObject({
        workload: z.strictObject({
          kind: z.enum(WORKLOAD_KINDS),
          name: dnsSubdomain(),
          pick: z.enum(POD_CHOICES).exactOptional().meta({
            description:
              '`unhealthy-first` (the default): a Pod that is not ready if there is one. `any-ready`: a ready one.',
          }),
        }),
      }),
    ],
    { error: TARGET_RULE },
  )
  .meta({
    id: 'Target',
    description:
      'What to debug: a Pod by name, or one Pod of a workload, which is chosen now and kept for good.',
  });

/** What a person asks for. */
export const NewSession = z
  .strictObject({
    cluster: dnsSubdomain().exactOptional().meta({
      description: 'As in `GET /v1/clusters`. May be left out where there is only one.',
    }),
    namespace: dnsLabel(),
    target: Target,
    container: dnsLabel().exactOptional().meta({
      description:
        'The container of the Pod whose processes are to be seen. Left out: the debug container sees its own only.',
    }),
    profile: dnsSubdomain().exactOptional().meta({
      description: 'The debug profile. May be left out where there is only one.',
    }),
    reason: prose(2000).meta({ description: 'Why, for approvers and for the audit log.' }),
    ticket: line(200)
      .exactOptional()
      .meta({ description: 'The ticket or incident it belongs to.' }),
    durationSeconds: z.int().min(1).max(DURATION_SECONDS_MAX).exactOptional().meta({
      description:
        'How long, from the start of the container. Left out: what the configuration says.',
    }),
    start: z.enum(START_MODES).exactOptional().meta({
      description:
        '`on-approval` (the default): starts by itself. `manual`: waits for `POST …/start`.',
    }),
    breakGlass: z.boolean().exactOptional().meta({
      description:
        'Ask to be let in at once, without consents, where policy offers it. Somebody else must review it afterwards.',
    }),
  })
  .meta({
    id: 'NewSession',
    examples: [
      {
        namespace: 'payments',
        target: { workload: { kind: 'Deployment', name: 'checkout' } },
        container: 'app',
        reason: 'The connection pool is exhausted since 14:02.',
        ticket: 'INC-4711',
        durationSeconds: 900,
      },
    ],
  });
export type NewSession = z.infer<typeof NewSession>;

export const NewDecision = z
  .strictObject({
    verdict: z.enum(['approve', 'deny', 'retract']).meta({
      description:
        '`approve`: consent, as far as the groups of the caller go. `deny`: end it. `retract`: take a consent back, before it starts.',
    }),
    comment: prose(2000).exactOptional().meta({ description: 'Why; some policies require it.' }),
  })
  .meta({
    id: 'NewDecision',
    examples: [{ verdict: 'approve', comment: 'Go ahead; I am watching too.' }],
  });

export const NewExtension = z
  .strictObject({
    durationSeconds: z.int().min(1).max(DURATION_SECONDS_MAX).meta({
      description:
        'For how long, from the start of the new container: more than is left, and no more than the terms allow.',
    }),
    reason: prose(2000).exactOptional().meta({
      description: 'Why. Left out: as when it was asked for.',
    }),
  })
  .meta({
    id: 'NewExtension',
    examples: [{ durationSeconds: 900, reason: 'The rollback takes longer.' }],
  });

export const Revocation = z
  .strictObject({ comment: prose(2000).exactOptional() })
  .meta({ id: 'Revocation', examples: [{ comment: 'The incident is over.' }] });

/** The body of a call that takes none: an empty object, for clients that must send something. */
export const Nothing = z.strictObject({}).meta({ id: 'Nothing', examples: [{}] });

export const SessionQuery = z.strictObject({
  state: repeatable(z.enum(STATES), STATES.length).exactOptional().meta({
    description: 'Only sessions in this state; may be given several times.',
  }),
  cluster: dnsSubdomain().exactOptional(),
  namespace: dnsLabel().exactOptional(),
  mine: z.enum(['true', 'false']).exactOptional().meta({
    description: '`true`: only sessions that the caller asked for.',
  }),
  breakGlass: z.enum(['true', 'false']).exactOptional().meta({
    description: '`true`: only those asked for as break-glass. `false`: only the others.',
  }),
  ...PAGE_QUERY,
});

const time = (description: string) => instant().nullable().meta({ description });

const SESSION = {
  id: z.string().meta({ examples: ['7k2m9q4x1v8t3b6n'] }),
  version: z.int().min(1).meta({ description: 'Grows with each step; in quotes it is the ETag.' }),
  state: z.enum(STATES),
  requester: PersonView,
  request: z.strictObject({
    cluster: z.string(),
    namespace: z.string(),
    target: Target,
    container: z.string().nullable(),
    profile: z.string(),
    reason: z.string(),
    ticket: z.string().nullable(),
    durationSeconds: z.int(),
    start: z.enum(START_MODES),
  }),
  pod: z
    .strictObject({ name: z.string(), uid: z.string(), node: z.string() })
    .nullable()
    .meta({ description: 'The Pod that was chosen; null where policy refused.' }),
  container: z
    .strictObject({
      name: z.string(),
      image: z.string(),
      imageId: z.string().nullable(),
      timer: z.enum(['strong', 'weak', 'unknown']).nullable().meta({
        description:
          'How well its timer defends itself; unknown: it was asked, and did not answer yet; null: not asked yet.',
      }),
    })
    .nullable()
    .meta({ description: 'The debug container; null until the session starts.' }),
  extensions: z
    .strictObject({
      done: z.int().min(0).meta({ description: 'How many were granted so far.' }),
      left: z.int().min(0).meta({ description: 'How many more its terms allow.' }),
      longestSeconds: z.int().min(1),
      underWay: z
        .strictObject({ container: z.string(), durationSeconds: z.int(), askedAt: instant() })
        .nullable()
        .meta({ description: 'The one whose container is being started.' }),
    })
    .nullable()
    .meta({
      description:
        'An extension is another container, which takes the place of the one before. Null: its terms leave none.',
    }),
  approvals: z.strictObject({
    needed: z.int().min(0),
    given: z.array(z.string()).meta({ description: 'Whose consents stand and count.' }),
    groups: z.array(z.string()).meta({ description: 'Whose members may decide.' }),
    users: z.array(z.string()).meta({ description: 'Who may decide besides, by subject.' }),
    open: z
      .array(
        z.strictObject({ count: z.int(), groups: z.array(z.string()), users: z.array(z.string()) }),
      )
      .meta({ description: 'What is still needed, and of whom.' }),
    commentRequired: z.boolean().meta({ description: 'Whether a consent must say why.' }),
    signIn: SignInTerms.exactOptional().meta({
      description: 'How strongly whoever consents must have signed in; left out: as others must.',
    }),
    escalatesAt: time('When more people will be asked, if nobody has decided by then.'),
    escalatedAt: time('When more people were asked.'),
  }),
  breakGlass: z.boolean().meta({
    description: 'Whether the requester asked to be let in at once, at the price of a review.',
  }),
  policy: z.strictObject({
    rule: z
      .string()
      .nullable()
      .meta({ description: 'The policy that decided; null: none allowed it.' }),
    version: z
      .string()
      .nullable()
      .meta({ description: 'The hash of the policy documents in force then.' }),
    explanation: z.array(z.string()).meta({ description: 'Left empty in lists.' }),
  }),
  createdAt: instant(),
  updatedAt: instant(),
  lapsesAt: time('When it lapses if nothing happens.'),
  startedAt: time('When the container started: from then on the time runs.'),
  deadline: time('When the container ends.'),
  endedAt: time('When nothing of it ran any more, as the cluster said, or when it was refused.'),
  endReason: z.enum(END_REASONS).nullable(),
  endDetail: z.string().nullable().meta({ description: 'What happened, and what to do.' }),
  allowedActions: z
    .array(z.enum(ACTIONS))
    .meta({ description: 'What the caller can do with it now.' }),
  links: z.strictObject({
    self: z.string(),
    events: z.string(),
    terminal: z.string().nullable().meta({
      description:
        'Where the caller enters it, with a ticket; null where they may not, now or ever.',
    }),
    watch: z.string().nullable().meta({
      description:
        'Where the caller watches it, with a ticket; null where they may not, now or ever.',
    }),
  }),
} as const;

export const SessionView = z.strictObject(SESSION).meta({ id: 'Session' });
export type SessionView = z.infer<typeof SessionView>;

export const DecisionView = z
  .strictObject({
    id: z.string(),
    by: z.enum(['policy', 'person']),
    verdict: z.enum(['grant', 'hold', 'refuse', 'approve', 'deny', 'retract']),
    person: PersonView.nullable(),
    comment: z.string().nullable(),
    rule: z.string().nullable(),
    policyVersion: z.string().nullable(),
    explanation: z.array(z.string()),
    seenVersion: z.int().nullable().meta({ description: 'The version that the person had seen.' }),
    at: instant(),
  })
  .meta({ id: 'Decision' });

export const SessionDetails = z
  .strictObject({
    ...SESSION,
    terms: SessionTermsView.nullable().meta({
      description:
        'The terms that it was granted, from the first decision on, whatever the documents say later; null where policy refused.',
    }),
    decisions: z.array(DecisionView),
    review: ReviewView.nullable().meta({
      description: 'The review that is owed where the glass was broken; null where it was not.',
    }),
    watching: z.array(z.strictObject({ person: PersonView, since: instant() })).meta({
      description: 'Who is watching live at this moment. It changes without a new version.',
    }),
  })
  .meta({
    id: 'SessionDetails',
    description: 'A session with its terms and the decisions made about it.',
  });
export type SessionDetails = z.infer<typeof SessionDetails>;

export const SessionPage = z
  .strictObject({ items: z.array(SessionView), nextCursor: NEXT_CURSOR })
  .meta({ id: 'SessionPage' });

/** The `data` of an event of the stream of a session. */
export const SessionStepView = z
  .strictObject({
    session: z.string(),
    seq: z
      .int()
      .min(1)
      .meta({ description: 'The version of the session after this step; the `id` of the event.' }),
    event: z.string(),
    from: z.string(),
    to: z.enum(STATES),
    at: instant(),
    breakGlass: z.boolean().meta({ description: 'As of the session.' }),
    by: z.union([
      z.strictObject({ kind: z.literal('person'), person: PersonView, channel: z.string() }),
      z.strictObject({ kind: z.literal('system') }),
    ]),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'SessionStep' });
export type SessionStepView = z.infer<typeof SessionStepView>;
