import { expect } from 'vitest';
import { TokenRefused } from '../../src/adapters/oidc/token.refusals.js';
import type { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { isProblem } from '../../src/domain/problem.js';

/** Why the token is refused, for the log. Fails the test when it is accepted, or its refusal says what it must not. */
export async function refusalReason(token: string, by: TokenVerifier): Promise<string> {
  const outcome = await by.verify(token);
  if (!isProblem(outcome)) throw new Error('the token was accepted');
  expect(outcome.problem).toBe('unauthenticated');
  expect(outcome.detail.length).toBeGreaterThan(20);
  for (const part of token.split('.')) if (part !== '') expect(outcome.detail).not.toContain(part);
  if (!(outcome.cause instanceof TokenRefused)) throw new Error('no cause for the log');
  return outcome.cause.reason;
}

/** A part of a JWT. */
export function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
