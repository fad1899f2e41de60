import type { KeyObject } from 'node:crypto';
import { Strategy } from 'passport-jwt';
import type { TokenPayload } from './unverified.token.js';
import type { SigningAlgorithm } from './signing.algorithms.js';

/** All that one token is held to. */
export interface Pinned {
  readonly issuer: string;
  readonly audience: string;
  /** The one algorithm that the key was chosen for, so that no other can be verified with it (RFC 8725 §3.1). */
  readonly algorithm: SigningAlgorithm;
  readonly key: KeyObject;
  readonly clockSkewSeconds: number;
  readonly nowSeconds: number;
}

/** `jwtFromRequest` below does not look at it. */
const NO_REQUEST = {} as Parameters<Strategy['authenticate']>[0];

/**
 * Has passport-jwt verify signature, `iss`, `aud`, `exp` and `nbf` of one token. A passport strategy holds one set of
 * rules for all its tokens, so each token gets a strategy of its own with the rules of its issuer: making one costs
 * a microsecond, the signature a hundred times that. Returns the payload, or the error that passport-jwt failed with.
 */
export function verifyByPassportJwt(token: string, pinned: Pinned): Promise<TokenPayload | Error> {
  return new Promise((resolve, reject) => {
    const strategy = new Strategy(
      {
        jwtFromRequest: () => token,
        secretOrKeyProvider: (_request, _token, done) => done(null, asSecret(pinned.key)),
        issuer: pinned.issuer,
        audience: pinned.audience,
        algorithms: [pinned.algorithm],
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- its types say so by mistake: there is no other way to set these two
        jsonWebTokenOptions: {
          clockTolerance: pinned.clockSkewSeconds,
          clockTimestamp: pinned.nowSeconds,
        },
      },
      (payload: TokenPayload, done) => done(null, payload),
    );
    // what passport does before it calls a strategy
    Object.assign(strategy, { success: resolve, fail: resolve, error: reject });
    strategy.authenticate(NO_REQUEST);
  });
}

/** jsonwebtoken takes KeyObjects, and needs them for speed; the types of passport-jwt have not caught up. */
function asSecret(key: KeyObject): Buffer {
  return key as unknown as Buffer;
}
