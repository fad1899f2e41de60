import type { ResourceServer } from 'oidc-provider';
import { SIGNING_ALGORITHM } from './signing.keys.js';

export const AUDIENCE = 'hallpass';
export const TOKEN_TTL_SECONDS = 3_600;

/** The API's name in resource indicators (RFC 8707 §2: an absolute URI); the audience of its tokens is shorter. */
export const RESOURCE = 'urn:hallpass:api';

/** What access tokens for Hallpass are like: JWTs by RFC 9068. */
export const HALLPASS_API: ResourceServer = {
  scope: '',
  audience: AUDIENCE,
  accessTokenFormat: 'jwt',
  accessTokenTTL: TOKEN_TTL_SECONDS,
  jwt: { sign: { alg: SIGNING_ALGORITHM } },
};
