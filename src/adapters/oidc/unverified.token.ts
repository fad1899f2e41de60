import { z } from 'zod';
import type { Problem } from '../../domain/problem.js';
import { refuseToken } from './token.refusals.js';

/** What most servers and proxies take as a header at all. */
export const TOKEN_LENGTH_MAX = 16_384;

/** A compact JWS (RFC 7515 §7.1). The signature may be empty here, so that `none` is refused by its name. */
const COMPACT_JWS = /^([\w-]+)\.([\w-]+)\.[\w-]*$/;

/**
 * Only what is used. `jku`, `jwk`, `x5u` and `x5c` are not: keys come from the configured issuer and from nowhere
 * else (RFC 8725 §3.10).
 */
const Header = z.object({
  alg: z.string(),
  kid: z.string().max(256).optional(),
  typ: z.string().optional(),
  crit: z.unknown().optional(),
});

const Payload = z.record(z.string(), z.unknown());

export type TokenHeader = z.infer<typeof Header>;
export type TokenPayload = z.infer<typeof Payload>;

/** What a token says of itself, before anything is verified: good for choosing whose rules apply, and for no more. */
export interface UnverifiedToken {
  readonly header: TokenHeader;
  readonly payload: TokenPayload;
}

/**
 * Reads a token without verifying it. Refuses what is too large, encrypted, nested, or not JSON. A member that is
 * there twice counts by its last occurrence, as RFC 7515 §4 and RFC 7519 §4 allow and as jsonwebtoken reads it too.
 */
export function readUnverified(token: string): UnverifiedToken | Problem {
  if (token.length > TOKEN_LENGTH_MAX) {
    return refuseToken('too-large', `${token.length} characters, at most ${TOKEN_LENGTH_MAX}`);
  }
  const [, headerPart = '', payloadPart = ''] = COMPACT_JWS.exec(token) ?? [];
  const header = Header.safeParse(jsonOf(headerPart));
  if (!header.success) return refuseToken('malformed', 'no JOSE header with an alg', header.error);
  const payload = Payload.safeParse(jsonOf(payloadPart));
  if (!payload.success) return refuseToken('malformed', 'the payload is not an object');
  return { header: header.data, payload: payload.data };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined when it is not base64url of JSON in UTF-8. */
function jsonOf(part: string): unknown {
  try {
    return JSON.parse(UTF8.decode(Buffer.from(part, 'base64url')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
