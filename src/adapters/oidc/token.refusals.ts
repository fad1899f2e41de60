import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';

const ASK =
  'Get a new one from your identity provider; if it is refused as well, ask those who run Hallpass: the reason is in its log.';
const NEW_TOKEN = 'Get a new one from your identity provider.';

/** What the caller is told, by reason. Nothing of the token is in it, so nothing of it can leak. */
const DETAILS = {
  missing:
    'Send an access token in the Authorization header, as "Bearer <token>". It is not read from anywhere else.',
  malformed: `The access token is not a signed JWT. ${ASK}`,
  'too-large': `The access token is too large. ${ASK}`,
  'unknown-issuer': `The access token is not from an issuer that this Hallpass trusts. ${ASK}`,
  'wrong-type': `The token is not an access token. ${ASK}`,
  'unsupported-header': `The access token asks for an extension that Hallpass does not know. ${ASK}`,
  'wrong-algorithm': `The access token is not signed in a way that this Hallpass accepts. ${ASK}`,
  'unknown-key': `The access token is signed with a key that its issuer does not publish. ${NEW_TOKEN}`,
  'wrong-key': `The access token is signed with a key that is not for this. ${ASK}`,
  'not-verified': `The access token did not pass verification. ${ASK}`,
  'wrong-audience': `The access token was issued for another service. Ask your identity provider for one for Hallpass.`,
  expired: `The access token has expired. ${NEW_TOKEN}`,
  'not-yet-valid':
    'The access token is not valid yet. If it is new, the clocks of its issuer and of Hallpass differ: tell those who run them.',
  'unusable-claims': `The access token does not say who you are in a way that Hallpass can use. ${ASK}`,
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof DETAILS;

/** Why a token was refused, for the log. Its message may quote the token's unverified claims, never its signature. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';

  constructor(
    readonly reason: RefusalReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The 401 for a token that is not accepted: what to do in `detail`, the exact reason in `cause`. */
export function refuseToken(reason: RefusalReason, exactly: string, cause?: unknown): Problem {
  const refused = new TokenRefused(reason, exactly, cause === undefined ? {} : { cause });
  return problem('unauthenticated', DETAILS[reason], { cause: refused });
}

/** The 503 for a token that cannot be judged now, because the issuer's keys cannot be had. */
export function identityUnavailable(retryAfterSeconds: number, cause: unknown): Problem {
  return problem(
    'identity-unavailable',
    'Hallpass cannot get the keys of your identity provider at the moment, so it cannot check who you are. Nothing is wrong with your token: try again soon.',
    { retryAfterSeconds, cause },
  );
}

/** A value from an unverified token as it may stand in a log line: quoted and short. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
