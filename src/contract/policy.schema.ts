import { z } from 'zod';
import { LABEL_GLOB, LABEL_GLOB_RULE } from '../domain/kubernetes-name.js';
import { DEBUG_PROFILES } from '../domain/policy/debug-profiles.js';
import { ON_OVERRUN } from '../domain/policy/policy.js';
import { metadata, onObjects, POLICY_API_VERSION } from './document.schema.js';
import { durationSchema } from './duration.schema.js';
import { securityContextSchema } from './security-context.schema.js';

const LIST_MAX = 200;
const LONGEST_SECONDS_MAX = 7 * 86_400;

const group = z
  .string()
  .min(1)
  .max(256)
  // Control characters and lone surrogates are in nobody's token.
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must be a text without control characters');
const globs = z.array(z.string().regex(LABEL_GLOB, LABEL_GLOB_RULE)).min(1).max(LIST_MAX);

const match = z.strictObject({
  groups: z.array(group).min(1).max(LIST_MAX).meta({
    description: 'Whom it concerns: people in any of these groups. `*` is everybody signed in.',
  }),
  clusters: globs.default(['*']).meta({ description: 'Which clusters, by name or pattern.' }),
  namespaces: globs.meta({ description: 'Which namespaces, by name or pattern.' }),
  profiles: globs.default(['*']).meta({ description: 'Which profiles, by name or pattern.' }),
});

const longest = (it: number | undefined): boolean => it === undefined || it <= LONGEST_SECONDS_MAX;

const terms = z
  .strictObject({
    longest: durationSchema.refine(longest, 'must be 168h at most').exactOptional().meta({
      description: 'The longest session, as `30m` or `1h30m`. Give one of the two.',
    }),
    longestSeconds: z.int().min(1).max(LONGEST_SECONDS_MAX).exactOptional().meta({
      description: 'The longest session, in seconds.',
    }),
    approvals: z
      .strictObject({
        count: z.int().min(0).max(10),
        groups: z
          .array(group.refine((it) => it !== '*', 'must be a group: name who may consent'))
          .max(50),
      })
      .refine((it) => it.count === 0 || it.groups.length > 0, {
        ...onObjects,
        path: ['groups'],
        error: 'must name the groups whose people may consent',
      })
      .default({ count: 0, groups: [] })
      .meta({
        description:
          'How many must agree, out of which groups; never the requester. These groups may revoke as well.',
      }),
    reasonRequired: z.boolean().default(true),
    ticketRequired: z.boolean().default(false),
    onOverrun: z.enum(ON_OVERRUN).default('alert').meta({
      description:
        'What to do with a container that will not end: raise an alert, or evict its Pod.',
    }),
  })
  .refine((it) => (it.longest === undefined) !== (it.longestSeconds === undefined), {
    ...onObjects,
    path: ['longest'],
    error: 'give one of longest and longestSeconds',
  });

const accessPolicySpec = z
  .strictObject({ effect: z.enum(['allow', 'deny']), match, terms: terms.exactOptional() })
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
    description: z.string().max(1000).default(''),
    image: z.string().regex(IMAGE, 'must be an image reference'),
    allowTag: z.boolean().default(false).meta({
      description: 'Accept an image without a digest: whoever can move the tag can change it.',
    }),
    imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
    debugProfile: z.enum(DEBUG_PROFILES).exactOptional().meta({
      description: 'The security context of that profile of `kubectl debug`. Give one of the two.',
    }),
    securityContext: securityContextSchema.exactOptional(),
    env: z.array(variable).max(100).default([]),
    shell: z
      .string()
      .max(255)
      .regex(/^(\/[A-Za-z0-9._+-]+)+$/, 'must be an absolute path')
      .default('/bin/sh')
      .meta({ description: 'The shell of the timer and of the terminal.' }),
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

/** One document of the policies' folder. */
export const policyDocumentSchema = z.discriminatedUnion(
  'kind',
  [accessPolicySchema, debugProfileSchema],
  { error: 'must be AccessPolicy or DebugProfile' },
);

export type AccessPolicyDocument = z.output<typeof accessPolicySchema>;
export type DebugProfileDocument = z.output<typeof debugProfileSchema>;
export type PolicyDocument = z.output<typeof policyDocumentSchema>;
