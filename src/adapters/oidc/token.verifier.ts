import { Logger } from '@nestjs/common';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import type { Clock } from '../../app/ports/clock.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem } from '../../domain/problem.js';
import type { IdentitySettings, IssuerSettings } from './identity.settings.js';
import { accountKey, checkIdentitySettings } from './identity.settings.js';
import type { KeyAnswer } from './issuer.keys.js';
import { IssuerKeys } from './issuer.keys.js';
import { verifyByPassportJwt } from './passport-jwt.verification.js';
import { personOf } from './person.claims.js';
import type { Principal } from './principal.js';
import type { SigningAlgorithm } from './signing.algorithms.js';
import { identityUnavailable, quoted, refuseToken } from './token.refusals.js';
import type { TokenHeader, TokenPayload, UnverifiedToken } from './unverified.token.js';
import { readUnverified } from './unverified.token.js';

/**
 * `at+jwt` is an access token by RFC 9068 §2.1; many issuers still write `JWT` or nothing. Everything else says that
 * it is something else: a logout token, a DPoP proof, a security event. An ID token cannot be told by its type: what
 * keeps it out is its audience, which is the client and not Hallpass.
 */
const ACCESS_TOKEN_TYPES: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/** What passport-jwt does not ask for: it lets a token without `exp` live for ever. ECMA-262 §21.4.1.1 has the bound. */
const Times = z.object({
  exp: z.number().positive().max(8_640_000_000_000),
  iat: z.number().optional(),
});

export interface TokenVerifierOptions {
  readonly clock?: Clock;
  /** See {@link IssuerKeys}; 10 unless said otherwise. */
  readonly refetchIntervalSeconds?: number;
  /** Told of each failed fetch of keys; logs a warning unless said otherwise. */
  readonly onFetchFailed?: (issuer: string, cause: unknown) => void;
}

interface TrustedIssuer {
  readonly settings: IssuerSettings;
  readonly algorithms: ReadonlyMap<string, SigningAlgorithm>;
  readonly keys: IssuerKeys;
}

/**
 * Says who a bearer token speaks for. Holds a token to RFC 7519, RFC 8725 and RFC 9068 with the settings of the issuer
 * it names and no other's.
 */
export class TokenVerifier {
  readonly #humans: ReadonlyMap<string, string>;
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #clockSkewSeconds: number;
  readonly #clock: Clock;

  /** Throws when the settings are unsafe or could never work. Fetches nothing yet. */
  constructor(settings: IdentitySettings, options: TokenVerifierOptions = {}) {
    checkIdentitySettings(settings);
    const { clock = { now: () => new Date() }, refetchIntervalSeconds = 10 } = options;
    const { onFetchFailed = warnOfFailedFetch } = options;
    this.#clock = clock;
    this.#clockSkewSeconds = settings.clockSkewSeconds;
    this.#humans = new Map(
      (settings.people ?? []).flatMap(({ human, accounts }) =>
        accounts.map((account): [string, string] => [accountKey(account), human]),
      ),
    );
    this.#issuers = new Map(
      settings.issuers.map((each) => [
        each.issuer,
        {
          settings: each,
          algorithms: new Map(each.algorithms.map((name) => [name, name])),
          keys: new IssuerKeys(each, { clock, refetchIntervalSeconds, onFetchFailed }),
        },
      ]),
    );
  }

  /**
   * The principal of a valid token. Otherwise `unauthenticated`, or `identity-unavailable` when the keys to judge the
   * token by cannot be had; `cause` is the exact reason, for the log.
   */
  async verify(token: string): Promise<Principal | Problem> {
    const unverified = readUnverified(token);
    if (isProblem(unverified)) return unverified;
    const issuer = this.#issuerOf(unverified.payload);
    if (isProblem(issuer)) return issuer;
    const algorithm = algorithmOf(unverified.header, issuer);
    if (isProblem(algorithm)) return algorithm;
    const answer = await issuer.keys.find({ kid: unverified.header.kid, alg: algorithm });
    if (answer.kind !== 'key') return refuseKey(answer, unverified.header);

    const { audience } = issuer.settings;
    const nowSeconds = Math.floor(this.#clock.now().getTime() / 1000);
    const verified = await verifyByPassportJwt(token, {
      issuer: issuer.settings.issuer,
      audience,
      algorithm,
      key: answer.key,
      clockSkewSeconds: this.#clockSkewSeconds,
      nowSeconds,
    });
    if (verified instanceof Error) return refuseVerified(verified, unverified, audience);
    return this.#principalOf(verified, issuer.settings, nowSeconds);
  }

  #issuerOf({ iss }: TokenPayload): TrustedIssuer | Problem {
    const issuer = typeof iss === 'string' ? this.#issuers.get(iss) : undefined;
    return issuer ?? refuseToken('unknown-issuer', `iss is ${quoted(iss)}`);
  }

  #principalOf(
    payload: TokenPayload,
    issuer: IssuerSettings,
    nowSeconds: number,
  ): Principal | Problem {
    const times = Times.safeParse(payload);
    if (!times.success) return refuseToken('unusable-claims', 'no usable exp or iat', times.error);
    const { exp, iat } = times.data;
    if (iat !== undefined && iat > nowSeconds + this.#clockSkewSeconds) {
      return refuseToken('not-yet-valid', `iat is ${iat - nowSeconds} s from now`);
    }
    const who = personOf(payload, issuer, this.#humans);
    if (who instanceof Error) return refuseToken('unusable-claims', who.message);
    // Of two tokens without `iat` (RFC 9068 requires it) the one that expires later is the newer.
    const signIn = { ...who.signIn, issuedAt: iat ?? exp };
    return { person: who.person, signIn, expiresAt: new Date(exp * 1000) };
  }
}

/** The algorithm that the token may be verified with, after everything that its header must not say. */
function algorithmOf(
  { alg, typ, crit }: TokenHeader,
  issuer: TrustedIssuer,
): SigningAlgorithm | Problem {
  if (typ !== undefined && !ACCESS_TOKEN_TYPES.has(typ.toLowerCase())) {
    return refuseToken('wrong-type', `typ is ${quoted(typ)}`);
  }
  // RFC 7515 §4.1.11: an extension that is critical and not understood makes the token invalid; none is understood
  if (crit !== undefined) return refuseToken('unsupported-header', `crit is ${quoted(crit)}`);
  const algorithm = issuer.algorithms.get(alg);
  return algorithm ?? refuseToken('wrong-algorithm', `alg is ${quoted(alg)}`);
}

function refuseKey(answer: Exclude<KeyAnswer, { kind: 'key' }>, header: TokenHeader): Problem {
  const which = `kid ${quoted(header.kid)}, alg ${quoted(header.alg)}`;
  switch (answer.kind) {
    case 'unknown':
      return refuseToken('unknown-key', which);
    case 'unfit':
      return refuseToken('wrong-key', `kty, crv, alg, use or key_ops of the key: ${which}`);
    case 'unavailable':
      return identityUnavailable(answer.retryAfterSeconds, answer.cause);
  }
}

/** The unverified claims choose no more than the sentence that the caller reads: refused it is in any case. */
function refuseVerified(error: Error, { payload }: UnverifiedToken, audience: string): Problem {
  if (error instanceof jwt.TokenExpiredError) return refuseToken('expired', error.message, error);
  if (error instanceof jwt.NotBeforeError) {
    return refuseToken('not-yet-valid', error.message, error);
  }
  const isForOthers = ![payload.aud].flat().includes(audience);
  return refuseToken(isForOthers ? 'wrong-audience' : 'not-verified', error.message, error);
}

function warnOfFailedFetch(issuer: string, cause: unknown): void {
  new Logger(TokenVerifier.name).warn({
    msg: 'the keys of an issuer cannot be had',
    issuer,
    err: cause,
  });
}
