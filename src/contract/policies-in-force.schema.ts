import { z } from 'zod';
import { ON_OVERRUN } from '../domain/policy/policy.js';

const patterns = z.array(z.string());

/** The documents in force as they are understood, not as they were written. */
export const PoliciesInForce = z
  .strictObject({
    hash: z
      .string()
      .meta({ description: 'SHA-256 (hex) of the documents: the policy version in decisions.' }),
    policies: z.array(
      z.strictObject({
        name: z.string(),
        effect: z.enum(['allow', 'deny']),
        match: z.strictObject({
          groups: patterns,
          clusters: patterns,
          namespaces: patterns,
          profiles: patterns,
        }),
        terms: z.strictObject({
          longestSeconds: z.int(),
          approvals: z.strictObject({ count: z.int(), groups: z.array(z.string()) }),
          reasonRequired: z.boolean(),
          ticketRequired: z.boolean(),
          onOverrun: z.enum(ON_OVERRUN),
        }),
      }),
    ),
    profiles: z.array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        image: z.string(),
        imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
        securityContext: z.record(z.string(), z.unknown()).nullable(),
        env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
        shell: z.string(),
      }),
    ),
  })
  .meta({ id: 'PoliciesInForce' });
export type PoliciesInForce = z.infer<typeof PoliciesInForce>;
