import { z } from 'zod';

/** Where a client that has no token gets one. */
export const SignInView = z
  .strictObject({
    issuers: z.array(
      z.strictObject({
        issuer: z.string().meta({ examples: ['https://login.example.com'] }),
        clientId: z.string().meta({
          description:
            'A public client, for the authorization code flow with PKCE on a loopback address (RFC 8252).',
          examples: ['hallpass-cli'],
        }),
        scopes: z.array(z.string()),
        resource: z.string().nullable().meta({
          description: 'The `resource` to ask for (RFC 8707); null where the issuer takes none.',
        }),
      }),
    ),
  })
  .meta({ id: 'SignIn' });
export type SignInView = z.infer<typeof SignInView>;
