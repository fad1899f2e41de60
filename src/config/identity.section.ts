import { z } from 'zod';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { eachOnce, onLists, seconds, text } from './fields.js';

/** Signature algorithms (RFC 7518 §3.1) with a public key: neither `none` nor HMAC can be configured. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;

const claim = (name: string, what: string): z.ZodDefault<z.ZodString> =>
  text(256)
    .default(name)
    .meta({ description: `The claim that holds ${what}.`, examples: [name] });

const issuer = z.strictObject({
  issuer: text(2048)
    .refine(isSecureUrl, SECURE_URL_RULE)
    .meta({
      description: 'The issuer (`iss`), letter for letter as its tokens say it.',
      examples: ['https://login.example.com'],
    }),
  audience: text(1024).meta({
    description: 'The audience (`aud`) that tokens for Hallpass carry.',
    examples: ['hallpass'],
  }),
  jwksUri: text(2048)
    .refine(isSecureUrl, SECURE_URL_RULE)
    .exactOptional()
    .meta({
      description: "Where its keys are. By default what the issuer's discovery document says.",
      examples: ['https://login.example.com/keys'],
    }),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default(['RS256', 'PS256', 'ES256'])
    .meta({
      description: 'The signature algorithms that are accepted from it.',
      examples: [['ES256']],
    }),
  claims: z
    .strictObject({
      user: claim('sub', 'who somebody is, for good'),
      email: claim('email', 'the e-mail address, for reading and for on-call lists'),
      name: claim('name', 'the name, for reading only'),
      groups: claim('groups', 'the groups, as a list of texts'),
    })
    .prefault({}),
});

const groups = (what: string, example: string): z.ZodDefault<z.ZodArray<z.ZodString>> =>
  z
    .array(text(256))
    .default([])
    .meta({
      description: `Groups whose people ${what}. \`*\` is everybody signed in.`,
      examples: [[example]],
    });

export const identitySection = z.strictObject({
  issuers: z
    .array(issuer)
    .min(1, 'name one issuer at least')
    .max(50)
    .superRefine(eachOnce('issuer'), onLists)
    .meta({
      description:
        'Whose tokens are trusted, and for every group: groups carry no issuer, so that any of these can put its people into any group that roles and policies name. Name only issuers that may.',
    }),
  clockSkewSeconds: seconds(0, 60)
    .default(30)
    .meta({
      description: "How far an issuer's clock may be from ours, in seconds.",
      examples: [10],
    }),
  roles: z
    .strictObject({
      requester: groups('may ask for sessions, as policy allows', 'engineers'),
      approver: groups('may decide about sessions, as policy allows', 'leads'),
      auditor: groups('may read everything, the audit log included', 'security'),
      admin: groups('may see and revoke any session', 'platform'),
    })
    .prefault({}),
});
