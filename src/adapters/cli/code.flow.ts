import * as oauth from 'openid-client';
import { isSecureUrl } from '../../domain/secure-url.js';
import { distrustedAt } from './certificate.trust.js';
import { CommandFailure, trouble } from './command.failure.js';
import { EXIT } from './exit.codes.js';
import { listenOnLoopback } from './loopback.listener.js';

/** Where the broker says that tokens are got. */
export interface Issuer {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly resource: string | null;
}

export interface Tokens {
  readonly accessToken: string;
  readonly expiresAtMs: number;
  readonly refreshToken: string | undefined;
}

/** How long somebody may take to sign in. */
const PATIENCE_MS = 300_000;
/** Where the issuer does not say how long a token holds (RFC 6749 §5.1: it should). */
const EXPIRES_SECONDS_DEFAULT = 300;

/**
 * Signs a person in by authorization code with PKCE on a loopback address (RFC 8252, RFC 7636). State and nonce are
 * new each time and must come back.
 *
 * @param show is given the page to show to the person.
 */
export async function signIn(
  at: Issuer,
  show: (address: string) => void,
  stop: AbortSignal,
): Promise<Tokens> {
  const config = await configOf(at);
  const verifier = oauth.randomPKCECodeVerifier();
  const [state, nonce] = [oauth.randomState(), oauth.randomNonce()];
  await using listener = await listenOnLoopback(state);
  const page = oauth.buildAuthorizationUrl(config, {
    redirect_uri: listener.redirectUri,
    scope: at.scopes.join(' '),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    // Without it a provider need not give a refresh token (OpenID Connect Core §11).
    ...(at.scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
    ...resourceOf(at),
  });
  show(page.href);
  const patience = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
  const returned = await listener.returned(patience).catch(() => {
    throw new CommandFailure(
      EXIT.notSignedIn,
      'Nobody signed in within 5 minutes: try again with hallpass login.',
    );
  });
  const answer = await oauth
    .authorizationCodeGrant(
      config,
      returned,
      { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce },
      resourceOf(at),
    )
    .catch((error: unknown) => {
      throw refused(at, error);
    });
  return tokensOf(answer);
}

/** New tokens for a refresh token; undefined where the issuer takes it no more. */
export async function refresh(
  at: Omit<Issuer, 'scopes'>,
  refreshToken: string,
): Promise<Tokens | undefined> {
  const config = await configOf({ ...at, scopes: [] });
  try {
    const tokens = tokensOf(await oauth.refreshTokenGrant(config, refreshToken, resourceOf(at)));
    return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return undefined;
    throw unanswered(at, error);
  }
}

async function configOf(at: Issuer): Promise<oauth.Configuration> {
  if (!isSecureUrl(at.issuer)) {
    throw trouble(`The broker names ${at.issuer} to sign in at, which is not reached over HTTPS.`);
  }
  const url = new URL(at.issuer);
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated to be noticed: on this machine itself only
  const execute = url.protocol === 'http:' ? [oauth.allowInsecureRequests] : [];
  return oauth
    .discovery(url, at.clientId, undefined, oauth.None(), { execute, timeout: 15 })
    .catch((error: unknown) => {
      throw unanswered(at, error);
    });
}

function resourceOf({ resource }: Pick<Issuer, 'resource'>): Record<string, string> {
  return resource === null ? {} : { resource };
}

function tokensOf(
  answer: oauth.TokenEndpointResponse & oauth.TokenEndpointResponseHelpers,
): Tokens {
  return {
    accessToken: answer.access_token,
    expiresAtMs: Date.now() + (answer.expiresIn() ?? EXPIRES_SECONDS_DEFAULT) * 1000,
    refreshToken: answer.refresh_token,
  };
}

function refused({ issuer }: Issuer, error: unknown): CommandFailure {
  const said =
    error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError
      ? (error.error_description ?? error.error)
      : error instanceof Error
        ? error.message
        : 'for no reason that it gave';
  return new CommandFailure(
    EXIT.notSignedIn,
    `${issuer} did not sign you in (${said}): try again with hallpass login.`,
    undefined,
    { cause: error },
  );
}

function unanswered({ issuer }: Pick<Issuer, 'issuer'>, error: unknown): CommandFailure {
  const distrusted = distrustedAt(issuer, error);
  if (distrusted) return distrusted;
  return new CommandFailure(
    EXIT.unreachable,
    `The identity provider ${issuer} does not answer as it should: try again later.`,
    undefined,
    { cause: error },
  );
}
