import { z } from 'zod';
import { PART_NAMES } from '../domain/policy/rule.match.js';
import { PEOPLE_LISTS, TERMS } from './policies-in-force.schema.js';
import { SITUATION, SituationPerson, SituationTarget } from './situation.schema.js';
import { line } from './text.schema.js';

/** Of a whole simulation, drafts and all: what is larger is refused before it is read. */
export const DRAFT_BODY_BYTES_MAX = 1_048_576;
/** Of one file: it fits into a body, with room for what stands around it. */
const FILE_CHARACTERS_MAX = 1_000_000;

/** What is asked of policy, and by whom; nothing comes of it. */
export const NewSimulation = z
  .strictObject({
    person: SituationPerson.exactOptional().meta({
      description:
        'Who asks. Left out: the caller, as their token says. Needs the permission `policy:read`.',
    }),
    target: SituationTarget,
    ...SITUATION,
    documents: z
      .array(z.strictObject({ name: line(255), text: z.string().max(FILE_CHARACTERS_MAX) }))
      .min(1)
      .max(1000)
      .exactOptional()
      .meta({
        description:
          'Files of documents to try in the place of those in force, as many as fit into a body of 1 MiB. Needs the permission `policy:read`.',
      }),
  })
  .meta({
    id: 'NewSimulation',
    examples: [
      {
        target: {
          cluster: 'prod-1',
          namespace: 'payments',
          found: { labels: { app: 'checkout' } },
        },
        request: { profile: 'shell', durationSeconds: 900, reason: 'Payments fail since 14:02.' },
        onCall: { payments: true },
      },
    ],
  });
export type NewSimulation = z.output<typeof NewSimulation>;

const TRUTHS = ['yes', 'no', 'unknown'] as const;

const RuleTraceView = z.strictObject({
  rule: z.string(),
  effect: z.enum(['allow', 'deny']),
  where: z.string().meta({ description: 'File, line and column.' }),
  outcome: z.enum(['decided', 'outdone', 'lacking', 'not-for-this']).meta({
    description:
      '`outdone` by a deny or by a rule that asks less; `lacking`: matches, but its terms are not met.',
  }),
  parts: z
    .array(
      z.strictObject({
        part: z.enum(PART_NAMES),
        truth: z.enum(TRUTHS),
        says: z.string().meta({ description: 'What would be needed; empty where it holds.' }),
      }),
    )
    .meta({ description: '`when` is left out where another part says no: it was not tested.' }),
  lacks: z.array(z.string()).meta({ description: 'What its terms would need besides.' }),
});

/** What policy would say, with why. */
export const Simulation = z
  .strictObject({
    verdict: z.enum(['grant', 'hold', 'refuse']).meta({
      description: '`hold`: once others agree.',
    }),
    rule: z.string().nullable().meta({ description: 'The policy that decided; null: none.' }),
    policyVersion: z.string().meta({ description: 'The hash of the documents that it is from.' }),
    breakGlass: z.boolean(),
    needs: z
      .array(z.strictObject({ count: z.int(), ...PEOPLE_LISTS }))
      .meta({ description: 'Who would have to agree.' }),
    explanation: z.array(z.string()),
    terms: TERMS.nullable().meta({
      description: 'What would be granted. Null in a refusal, and without `policy:read`.',
    }),
    rules: z.array(RuleTraceView).nullable().meta({
      description:
        'What the rules say to it: the one that decided, then the nearest. Null without `policy:read`.',
    }),
    rulesLeftOut: z.int().min(0).meta({ description: 'How many rules more there are.' }),
  })
  .meta({ id: 'Simulation' });
export type Simulation = z.infer<typeof Simulation>;
