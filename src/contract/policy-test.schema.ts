import { z } from 'zod';
import { metadata, onObjects, POLICY_API_VERSION } from './document.schema.js';
import { SITUATION, SituationPerson, SituationTarget } from './situation.schema.js';

const CASES_MAX = 1000;
const NAMED_MAX = 200;

const name = z.string().min(1).max(200);
const groups = z.array(z.string().max(256)).max(NAMED_MAX).default([]);

/** What a request is expected to come to. What is left out may be anything. */
const expectation = z.strictObject({
  verdict: z.enum(['grant', 'hold', 'refuse']),
  rule: z.string().max(253).nullable().exactOptional().meta({
    description: 'The policy that decides; null: none, nothing allows it.',
  }),
  says: z.array(z.string().min(1).max(1000)).max(50).default([]).meta({
    description: 'Texts that the explanation must contain.',
  }),
  needs: z
    .array(z.strictObject({ count: z.int().min(1).max(10).default(1), groups, users: groups }))
    .max(10)
    .exactOptional()
    .meta({ description: 'Exactly these must agree, in any order.' }),
});
export type Expectation = z.output<typeof expectation>;

const testCase = z
  .strictObject({
    name,
    as: name.exactOptional().meta({ description: 'Somebody of `people`.' }),
    person: SituationPerson.exactOptional(),
    at: name.exactOptional().meta({ description: 'One of `targets`.' }),
    target: SituationTarget.exactOptional(),
    ...SITUATION,
    expect: expectation,
  })
  .refine((it) => (it.as === undefined) !== (it.person === undefined), {
    ...onObjects,
    path: ['as'],
    error: 'give one of as and person',
  })
  .refine((it) => (it.at === undefined) !== (it.target === undefined), {
    ...onObjects,
    path: ['at'],
    error: 'give one of at and target',
  });

/** Requests with the decisions that they are expected to come to, for `hallpass policy test`. */
export const policyTestSchema = z.strictObject({
  apiVersion: z.literal(POLICY_API_VERSION),
  kind: z.literal('PolicyTest', { error: 'must be PolicyTest' }),
  metadata,
  spec: z.strictObject({
    description: z.string().max(1000).default(''),
    people: z.record(name, SituationPerson).default({}).meta({
      description: 'People by a name, for `as`.',
    }),
    targets: z.record(name, SituationTarget).default({}).meta({
      description: 'Targets by a name, for `at`.',
    }),
    cases: z.array(testCase).min(1).max(CASES_MAX),
  }),
});
export type PolicyTestDocument = z.output<typeof policyTestSchema>;
