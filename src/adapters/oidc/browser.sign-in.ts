import * as oauth from 'openid-client';
import type { SignInUnderWay, SignInWish } from '../../app/ports/browser.sign-in.js';
import { BrowserSignIn } from '../../app/ports/browser.sign-in.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import type { Principal } from './principal.js';
import type { TokenVerifier } from './token.verifier.js';

/** A client of an issuer, with which people sign in to the pages that the broker serves. */
export interface WebClient {
  readonly issuer: string;
  readonly clientId: string;
  /** Asked for with each use; null: a public client. */
  readonly clientSecret: () => string | null;
  readonly scopes: readonly string[];
  readonly resource: string | null;
}

const TIMEOUT_SECONDS = 10;
const RETRY_SECONDS = 10;
/** What an issuer publishes of itself is asked for again after so long. */
const METADATA_MS = 600_000;

/** Signs people in by openid-client, and believes nothing but the access token, as {@link TokenVerifier} judges it. */
export class OpenIdSignIn extends BrowserSignIn {
  readonly issuers: readonly string[];
  private readonly known = new Map<
    string,
    { config: oauth.Configuration; at: number; secret: string | null }
  >();

  constructor(
    private readonly deps: {
      readonly clients: readonly WebClient[];
      /** `/sign-in/callback` under the broker's address. */
      readonly redirectUri: string;
      readonly verifier: Pick<TokenVerifier, 'verify'>;
    },
  ) {
    super();
    this.issuers = deps.clients.map(({ issuer }) => issuer);
  }

  async begin(issuer: string, wish: SignInWish = {}): ReturnType<BrowserSignIn['begin']> {
    const client = this.clientOf(issuer);
    if (!client) return problem('not-found', 'People do not sign in there.');
    const verifier = oauth.randomPKCECodeVerifier();
    const [state, nonce] = [oauth.randomState(), oauth.randomNonce()];
    try {
      const page = oauth.buildAuthorizationUrl(await this.configOf(client), {
        redirect_uri: this.deps.redirectUri,
        scope: client.scopes.join(' '),
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ...resourceOf(client),
        ...wish,
      });
      return { page, underWay: { issuer, state, nonce, verifier } };
    } catch (cause) {
      return unavailable(cause);
    }
  }

  async finish(underWay: SignInUnderWay, query: string): Promise<Principal | Problem> {
    const client = this.clientOf(underWay.issuer);
    if (!client) return refused(undefined);
    const { verifier, state, nonce } = underWay;
    try {
      const answer = await oauth.authorizationCodeGrant(
        await this.configOf(client),
        new URL(`${this.deps.redirectUri}?${query}`),
        { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
        resourceOf(client),
      );
      return await this.deps.verifier.verify(answer.access_token);
    } catch (cause) {
      return isUnanswered(cause) ? unavailable(cause) : refused(cause);
    }
  }

  private clientOf(issuer: string): WebClient | undefined {
    return this.deps.clients.find((client) => client.issuer === issuer);
  }

  private async configOf(client: WebClient): Promise<oauth.Configuration> {
    const kept = this.known.get(client.issuer);
    const secret = client.clientSecret();
    if (kept && kept.at > Date.now() - METADATA_MS && kept.secret === secret) return kept.config;
    const url = new URL(client.issuer);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated to be noticed: on this machine itself only
    const execute = url.protocol === 'http:' ? [oauth.allowInsecureRequests] : [];
    const config = await oauth.discovery(
      url,
      client.clientId,
      undefined,
      secret === null ? oauth.None() : oauth.ClientSecretPost(secret),
      { execute, timeout: TIMEOUT_SECONDS },
    );
    this.known.set(client.issuer, { config, at: Date.now(), secret });
    return config;
  }
}

function resourceOf({ resource }: WebClient): Record<string, string> {
  return resource === null ? {} : { resource };
}

/** Whether the issuer did not answer; anything else is what it, or the browser, answered. */
function isUnanswered(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    (error instanceof oauth.ClientError &&
      ['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM'].includes(error.code ?? ''))
  );
}

function refused(cause: unknown): Problem {
  return problem('unauthenticated', 'You were not signed in: begin again.', { cause });
}

function unavailable(cause: unknown): Problem {
  return problem('identity-unavailable', 'The identity provider does not answer: try again soon.', {
    cause,
    retryAfterSeconds: RETRY_SECONDS,
  });
}
