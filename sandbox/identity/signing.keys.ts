import { randomUUID } from 'node:crypto';
import type { JWK } from 'jose';
import { exportJWK, generateKeyPair } from 'jose';

export const SIGNING_ALGORITHM = 'RS256';

/** A new private key to sign with, with an id that was never used before. */
export async function newSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: randomUUID(), use: 'sig', alg: SIGNING_ALGORITHM };
}
