import { z } from 'zod';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { eachOnce, onLists, onObjects, path, seconds, text } from './fields.js';

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
      email: claim(
        'email',
        'the e-mail address, for reading and for on-call lists; not used where `email_verified` is there and is not true',
      ),
      name: claim('name', 'the name, for reading only'),
      groups: claim('groups', 'the groups, as a list of texts'),
      human: text(256)
        .exactOptional()
        .meta({
          description:
            'The claim that is the same in all accounts of one human, at whichever issuer: nobody consents to what they asked for with another account of theirs.',
          examples: ['employee_id'],
        }),
      facts: z
        .array(text(256))
        .max(50)
        .default([])
        .meta({
          description:
            'The claims that policy may look at (`requester.claims`): texts, numbers and truth values of at most 256 characters, each as a text.',
          examples: [['department', 'contractor']],
        }),
    })
    .prefault({}),
  cli: z
    .strictObject({
      clientId: text(256).meta({
        description:
          'The public client of the command line: authorization code with PKCE, redirected to a loopback address (RFC 8252).',
        examples: ['hallpass-cli'],
      }),
      scopes: z
        .array(text(256))
        .min(1)
        .max(50)
        .default(['openid', 'profile', 'email'])
        .meta({
          description: 'The scopes that it asks for.',
          examples: [['openid', 'profile', 'email', 'groups']],
        }),
      resource: text(2048)
        .exactOptional()
        .meta({
          description: 'The `resource` that it asks for (RFC 8707), for issuers that take one.',
          examples: ['https://hallpass.example.com'],
        }),
    })
    .exactOptional()
    .meta({
      description:
        'How people sign in with the command line, which reads it from `GET /v1/sign-in`. Without it they cannot, with this issuer.',
    }),
  web: z
    .strictObject({
      clientId: text(256).meta({
        description:
          'The client of the pages that Hallpass serves: authorization code with PKCE, redirected to `/sign-in/callback` under `server.publicUrl`.',
        examples: ['hallpass-web'],
      }),
      clientSecretFile: path.exactOptional().meta({
        description: 'A file that holds its secret. Without it the client is a public one.',
        examples: ['/run/secrets/hallpass-web'],
      }),
      scopes: z
        .array(text(256))
        .min(1)
        .max(50)
        .default(['openid', 'profile', 'email'])
        .meta({
          description: 'The scopes that it asks for.',
          examples: [['openid', 'profile', 'email', 'groups']],
        }),
      resource: text(2048)
        .exactOptional()
        .meta({
          description: 'The `resource` that it asks for (RFC 8707), for issuers that take one.',
          examples: ['https://hallpass.example.com'],
        }),
    })
    .exactOptional()
    .meta({
      description:
        'How people sign in by a browser: to tie their Slack accounts, and to consent where Slack is not enough. Without it they cannot, with this issuer.',
    }),
});

const groups = (what: string, example: string): z.ZodDefault<z.ZodArray<z.ZodString>> =>
  z
    .array(text(256))
    .default([])
    .meta({
      description: `Groups whose people ${what}. \`*\` is everybody signed in.`,
      examples: [[example]],
    });

const person = z.strictObject({
  human: text(256).meta({
    description:
      'What the human is called here; the same as in the claim for it, where there is one.',
    examples: ['robin'],
  }),
  accounts: z
    .array(
      z.strictObject({
        issuer: text(2048).meta({
          description: 'One of `identity.issuers[].issuer`.',
          examples: ['https://login.example.com'],
        }),
        subject: text(256).meta({
          description: 'What the claim for the user says.',
          examples: ['robin-admin'],
        }),
      }),
    )
    .min(1)
    .max(50)
    .meta({ description: 'The accounts of this human.' }),
});

const WithAccounts = z.object({
  issuers: z.array(z.object({ issuer: z.string() })),
  people: z.array(person),
});

/** An account is one human's, and of an issuer that is trusted. */
function checkAccounts(identity: unknown, context: z.RefinementCtx): void {
  // Runs even where another key is wrong, whatever that is.
  const read = WithAccounts.safeParse(identity);
  if (!read.success) return;
  const issuers = new Set(read.data.issuers.map(({ issuer }) => issuer));
  const seen = new Set<string>();
  for (const [at, { accounts }] of read.data.people.entries()) {
    for (const [index, { issuer, subject }] of accounts.entries()) {
      const refuse = (key: 'issuer' | 'subject', message: string): void =>
        context.addIssue({
          code: 'custom',
          path: ['people', at, 'accounts', index, key],
          message,
        });
      const account = `${issuer}\n${subject}`;
      if (!issuers.has(issuer)) refuse('issuer', 'is none of identity.issuers');
      if (seen.has(account)) refuse('subject', 'is here twice: an account is one human’s');
      seen.add(account);
    }
  }
}

const identity = z.strictObject({
  issuers: z
    .array(issuer)
    .min(1, 'name one issuer at least')
    .max(50)
    .superRefine(eachOnce('issuer'), onLists)
    .meta({
      description:
        'Whose tokens are trusted, and for every group: groups carry no issuer, so that any of these can put its people into any group that roles and policies name. Name only issuers that may.',
    }),
  people: z.array(person).max(1_000).superRefine(eachOnce('human'), onLists).default([]).meta({
    description:
      'Which accounts are one human’s. It goes before `identity.issuers[].claims.human`. Accounts that are only left out stay known as theirs to what reviews and sessions are counted by: to part them, say whose each is.',
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

export const identitySection = identity.superRefine(checkAccounts, onObjects);
