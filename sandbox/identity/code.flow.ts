import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { SandboxPerson } from './people.js';
import { CLI_CLIENT_ID } from './provider.configuration.js';

const Metadata = z.object({ authorization_endpoint: z.url(), token_endpoint: z.url() });
const Tokens = z.object({ access_token: z.string(), id_token: z.string(), expires_in: z.number() });

/**
 * Signs in by authorization code with PKCE (RFC 7636) as a browser and a command line would together: follows the
 * redirects with cookies, chooses the person on the page, and redeems the code. `verifier` other than the default
 * spoils the redemption. Throws with the provider's answer when a step is refused.
 */
export async function signInByCode(
  issuer: string,
  person: Pick<SandboxPerson, 'sub'>,
  { verifier }: { verifier?: string } = {},
): Promise<z.infer<typeof Tokens>> {
  const document = await fetch(`${issuer}/.well-known/openid-configuration`);
  const metadata = Metadata.parse(await document.json());
  const secret = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const redirectUri = 'http://127.0.0.1:49152/callback';
  const authorize = new URL(metadata.authorization_endpoint);
  authorize.search = new URLSearchParams({
    client_id: CLI_CLIENT_ID,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid email profile groups',
    state,
    code_challenge: createHash('sha256').update(secret).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString();

  const browser = new Browser(redirectUri);
  const page = await browser.open(authorize.href);
  const returned = await browser.open(page, new URLSearchParams({ sub: person.sub }));
  const answer = new URL(returned).searchParams;
  if (answer.get('state') !== state) throw new Error('the state did not come back');
  if (answer.get('iss') !== issuer) throw new Error('another issuer answered (RFC 9207)');

  const redeemed = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLI_CLIENT_ID,
      redirect_uri: redirectUri,
      code: answer.get('code') ?? '',
      code_verifier: verifier ?? secret,
    }),
  });
  if (!redeemed.ok) throw new Error(await redeemed.text());
  return Tokens.parse(await redeemed.json());
}

/** As much of a browser as signing in needs: cookies by path, and redirects. */
export class Browser {
  readonly #cookies = new Map<string, string>();

  constructor(private readonly stopAt: string) {}

  /** The address at which the redirects end: a page, or the redirect URI, which is not opened. */
  async open(address: string, form?: URLSearchParams): Promise<string> {
    return (await this.read(address, form)).address;
  }

  /** The page at which the redirects end, with what is on it: nothing where that is the redirect URI. */
  async read(address: string, form?: URLSearchParams): Promise<{ address: string; text: string }> {
    const response = await fetch(address, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; ') },
      ...(form && { body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
      this.#cookies.set(name, value);
    }
    const text = await response.text();
    const location = response.headers.get('location');
    if (location === null) {
      if (!response.ok) throw new Error(`${response.status} ${text}`);
      return { address, text };
    }
    const next = new URL(location, address).href;
    return next.startsWith(this.stopAt) ? { address: next, text: '' } : this.read(next);
  }
}
