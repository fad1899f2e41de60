import { createHash, randomBytes } from 'node:crypto';

/** A browser is signed in for so long at most, and never for longer than the token that it signed in with. */
export const WEB_SESSION_SECONDS_MAX = 8 * 3600;

const BYTES = 32;
const KEY = /^[A-Za-z0-9_-]{43}$/;

/** What the cookie of a browser that is signed in holds: 256 random bits as base64url (RFC 4648 §5). */
export function newWebKey(): string {
  return randomBytes(BYTES).toString('base64url');
}

export function isWebKey(text: string): boolean {
  return KEY.test(text);
}

/** The SHA-256 (hex) of a key: all of it that is ever stored. */
export function webKeyDigest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** What each form of that browser's pages carries: other sites cannot know it, and it tells nothing of the key. */
export function formTokenOf(key: string): string {
  return createHash('sha256').update(`hallpass form\n${key}`).digest('base64url');
}
