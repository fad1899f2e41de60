import type { JsonWebKeyInput, KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import type { SigningAlgorithm } from './signing.algorithms.js';
import { SIGNING_ALGORITHMS } from './signing.algorithms.js';

const KEYS_MAX = 100;
/** RFC 7518 §3.3 and §3.5: "A key of size 2048 bits or larger MUST be used". */
const RSA_BITS_MIN = 2_048;

const JsonWebKeySet = z.object({ keys: z.array(z.unknown()).max(KEYS_MAX) });

/** What RFC 7517 §4 says of a key's purpose, and RFC 7518 §6 of its numbers. A private key has a `d`. */
const PublicJwk = z.object({
  kty: z.enum(['RSA', 'EC']),
  kid: z.string().optional(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
  alg: z.string().optional(),
  crv: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  d: z.undefined().optional(),
});

/** A key of an issuer, parsed once: jsonwebtoken given text would parse it anew on every request. */
export interface SigningKey {
  readonly jwk: Readonly<z.infer<typeof PublicJwk>>;
  readonly key: KeyObject;
}

/**
 * The keys of a JSON Web Key Set (RFC 7517 §5) that could verify anything. A key that is not RSA or EC, is private,
 * or is too weak is left out, as §5 asks for keys that are not understood. Throws when it is no key set at all.
 */
export function parseKeySet(document: unknown): SigningKey[] {
  return JsonWebKeySet.parse(document).keys.flatMap((candidate) => {
    const jwk = PublicJwk.safeParse(candidate);
    if (!jwk.success) return [];
    const key = publicKeyOf(jwk.data);
    return key === undefined ? [] : [{ jwk: jwk.data, key }];
  });
}

function publicKeyOf({ kty, crv, n, e, x, y }: SigningKey['jwk']): KeyObject | undefined {
  try {
    const numbers = kty === 'RSA' ? { n, e } : { crv, x, y };
    const key = createPublicKey({ key: { kty, ...numbers }, format: 'jwk' } as JsonWebKeyInput);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN;
    return bits >= RSA_BITS_MIN ? key : undefined;
  } catch {
    // numbers that make no key: node:crypto has no narrower sign of it than throwing
    return undefined;
  }
}

export type KeyChoice = { kind: 'key'; key: KeyObject } | { kind: 'unknown' } | { kind: 'unfit' };

/**
 * The one key that a token's header points at. `unknown`: no key has that id; `unfit`: keys have it, and not exactly
 * one is for verifying this algorithm. Without a key id, exactly one key must be for the algorithm, else `unknown`.
 */
export function chooseKey(
  keys: readonly SigningKey[],
  { kid, alg }: { kid?: string | undefined; alg: SigningAlgorithm },
): KeyChoice {
  const named = kid === undefined ? keys : keys.filter(({ jwk }) => jwk.kid === kid);
  const [first, ...others] = named.filter(({ jwk }) => isFor(jwk, alg));
  if (first !== undefined && others.length === 0) return { kind: 'key', key: first.key };
  // one id twice for one algorithm is the issuer's mistake: guessing between them is not ours to do
  return { kind: kid === undefined || named.length === 0 ? 'unknown' : 'unfit' };
}

function isFor(jwk: SigningKey['jwk'], alg: SigningAlgorithm): boolean {
  const needed: { kty: string; crv?: string } = SIGNING_ALGORITHMS[alg];
  return (
    jwk.kty === needed.kty &&
    (needed.crv === undefined || jwk.crv === needed.crv) &&
    (jwk.alg === undefined || jwk.alg === alg) &&
    (jwk.use === undefined || jwk.use === 'sig') &&
    (jwk.key_ops === undefined || jwk.key_ops.includes('verify'))
  );
}
