/**
 * The signature algorithms that Hallpass can be told to accept, each with the key it needs (RFC 7518 §3.1). All are
 * asymmetric: `none` and HMAC are not here, so no configuration can let them in. EdDSA is absent because
 * jsonwebtoken 9 does not know it.
 */
export const SIGNING_ALGORITHMS = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
} as const satisfies Record<string, { kty: 'RSA' } | { kty: 'EC'; crv: string }>;

export type SigningAlgorithm = keyof typeof SIGNING_ALGORITHMS;
