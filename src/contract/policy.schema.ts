import { z } from 'zod';
import { DEBUG_PROFILES } from '../domain/policy/debug-profiles.js';
import { MULTIPLEXERS, PROFILE_OF_OLD } from '../domain/policy/policy.js';
import { metadata, onObjects, POLICY_API_VERSION } from './document.schema.js';
import { onCallSourceSchema } from './on-call-source.schema.js';
import { PEOPLE, SOMEBODY_RULE, namesSomebody } from './people.schema.js';
import { matchSchema } from './policy-match.schema.js';
import { termsSchema } from './policy-terms.schema.js';
import { securityContextSchema } from './security-context.schema.js';

const DESCRIPTION = z.string().max(1000).default('').meta({
  description: 'A line for people; explanations show it.',
});

const accessPolicySpec = z
  .strictObject({
    description: DESCRIPTION,
    effect: z.enum(['allow', 'deny']).meta({
      description: 'A deny has no terms: it forbids, whatever any allow says.',
    }),
    match: matchSchema.meta({ description: 'Whom and what it is for. All parts must hold.' }),
    when: z.string().min(1).max(4000).exactOptional().meta({
      description: 'A CEL expression over the facts, for what `match` cannot say.',
    }),
    terms: termsSchema.exactOptional().meta({
      description: 'On what terms. An allow has them.',
    }),
  })
  .refine((it) => it.effect !== 'allow' || it.terms !== undefined, {
    ...onObjects,
    path: ['terms'],
    error: 'must say on what terms, at least the longest duration',
  })
  .refine((it) => it.effect !== 'deny' || it.terms === undefined, {
    ...onObjects,
    path: ['terms'],
    error: 'has no place in a deny: it forbids on any terms',
  });

/** Who may have which profile on which targets, and on what terms; or, with `deny`, who may not whatever else says. */
export const accessPolicySchema = z
  .strictObject({
    apiVersion: z.literal(POLICY_API_VERSION),
    kind: z.literal('AccessPolicy'),
    metadata,
    spec: accessPolicySpec,
  })
  .meta({ id: 'AccessPolicy' });

/** `name@sha256:<digest>`, or a name with a tag. Kubernetes takes more; nobody needs it. */
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,400}(@sha256:[a-f0-9]{64})?$/;
const DIGEST = /@sha256:[a-f0-9]{64}$/;

const variable = z.strictObject({
  name: z
    .string()
    .max(255)
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and _')
    .refine((it) => !it.startsWith('HALLPASS_'), 'must not begin with HALLPASS_: those are ours'),
  value: z
    .string()
    .max(4096)
    .refine((it) => it.isWellFormed() && !it.includes('\0'), 'must be plain text'),
});

const debugProfileSpec = z
  .strictObject({
    description: DESCRIPTION,
    image: z.string().regex(IMAGE, 'must be an image reference').meta({
      description: 'The image, by digest.',
    }),
    allowTag: z.boolean().default(false).meta({
      description: 'Accept an image without a digest: whoever can move the tag can change it.',
    }),
    imagePullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .meta({ description: 'When it is pulled, as Kubernetes has it.' }),
    debugProfile: z.enum(DEBUG_PROFILES).exactOptional().meta({
      description: 'The security context of that profile of `kubectl debug`. Give one of the two.',
    }),
    securityContext: securityContextSchema.exactOptional().meta({
      description: 'Fields of a Kubernetes `SecurityContext`.',
    }),
    env: z.array(variable).max(100).default([]).meta({
      description: 'Variables: `name` and `value`.',
    }),
    shell: z
      .string()
      .max(255)
      .regex(/^(\/[A-Za-z0-9._+-]+)+$/, 'must be an absolute path')
      .default('/bin/sh')
      .meta({ description: 'The shell of the timer and of the terminal.' }),
    multiplexer: z.enum(MULTIPLEXERS).default(PROFILE_OF_OLD.multiplexer).meta({
      description:
        'What keeps a terminal’s shell while nobody is connected to it, where the image has it: it is found again then.',
    }),
    recordInput: z.boolean().default(PROFILE_OF_OLD.recordInput).meta({
      description:
        'Record what is typed too, passwords and all. Otherwise only what is shown is recorded.',
    }),
  })
  .refine((it) => it.allowTag || typeof it.image !== 'string' || DIGEST.test(it.image), {
    ...onObjects,
    path: ['image'],
    error: 'must name a digest (@sha256: and 64 hexadecimal digits), or the profile allowTag: true',
  })
  .refine((it) => (it.debugProfile === undefined) !== (it.securityContext === undefined), {
    ...onObjects,
    path: ['debugProfile'],
    error: 'give one of debugProfile and securityContext',
  })
  .superRefine((it, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of it.env.entries()) {
      if (seen.has(name)) {
        context.addIssue({
          code: 'custom',
          path: ['env', index, 'name'],
          message: 'is here twice',
        });
      }
      seen.add(name);
    }
  });

/** A governed debug image: what runs, with which rights. */
export const debugProfileSchema = z
  .strictObject({
    apiVersion: z.literal(POLICY_API_VERSION),
    kind: z.literal('DebugProfile'),
    metadata,
    spec: debugProfileSpec,
  })
  .meta({ id: 'DebugProfile' });

/** Some people under a name, so that rules can say who must agree in one word. */
export const approverSetSchema = z
  .strictObject({
    apiVersion: z.literal(POLICY_API_VERSION),
    kind: z.literal('ApproverSet'),
    metadata,
    spec: z
      .strictObject({ description: DESCRIPTION, groups: PEOPLE.groups, users: PEOPLE.users })
      .refine(namesSomebody, { ...SOMEBODY_RULE, error: 'must name people: groups or users' }),
  })
  .meta({ id: 'ApproverSet' });

/** One document of the policies' folders. */
export const policyDocumentSchema = z.discriminatedUnion(
  'kind',
  [accessPolicySchema, debugProfileSchema, approverSetSchema, onCallSourceSchema],
  { error: 'must be AccessPolicy, DebugProfile, ApproverSet or OnCallSource' },
);

/** What a document of that kind is held to; undefined for another kind. */
export function schemaOfKind(kind: string): z.ZodType | undefined {
  return policyDocumentSchema.options.find((it) => it.shape.kind.value === kind);
}

export type AccessPolicyDocument = z.output<typeof accessPolicySchema>;
export type ApproverSetDocument = z.output<typeof approverSetSchema>;
export type DebugProfileDocument = z.output<typeof debugProfileSchema>;
export type PolicyDocument = z.output<typeof policyDocumentSchema>;
