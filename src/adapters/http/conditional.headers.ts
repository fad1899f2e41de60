import { problem } from '../../domain/problem.js';
import { Refused } from './refused.error.js';

/** The ETag of a version of a session (RFC 9110 §8.8.3). */
export function etagOf(version: number): string {
  return `"${version}"`;
}

/** No session has it, so that a tag which is none of ours never matches. */
const NO_VERSION = -1;

const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/**
 * The version that If-Match names (RFC 9110 §13.1.1); undefined without the header.
 *
 * @throws Refused for `*`, which names no version, for a list, and for what is no entity tag.
 */
export function seenVersion(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const header = ifMatch.trim();
  if (header === '*') {
    throw new Refused(
      problem(
        'if-match-required',
        'If-Match: * names no version. Send the ETag of the session as you saw it.',
      ),
    );
  }
  const [, weak, tag] = ENTITY_TAG.exec(header) ?? [];
  if (tag === undefined) {
    throw new Refused(
      problem(
        'invalid-request',
        'If-Match must be the one ETag that came with the session, quotes included.',
      ),
    );
  }
  // Strong comparison: a weak tag matches nothing.
  return weak === undefined && /^[1-9]\d{0,8}$/.test(tag) ? Number(tag) : NO_VERSION;
}

/** The version that If-Match names, for calls that are about what the caller saw. @throws Refused as above, or without. */
export function requiredVersion(ifMatch: string | undefined): number {
  const version = seenVersion(ifMatch);
  if (version !== undefined) return version;
  throw new Refused(
    problem(
      'if-match-required',
      'Read the session, and send its ETag as If-Match: your word is on what you saw and on nothing else.',
    ),
  );
}

/** Whether If-None-Match names this version (weak comparison, RFC 9110 §13.1.2). */
export function isKnown(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etagOf(version));
}

const KEY_RULE =
  'The Idempotency-Key must be 1 to 255 visible ASCII characters, bare or as a quoted string (RFC 8941 §3.3.3).';

/**
 * The caller's key; undefined without the header. `"k"` and `k` are the same key.
 *
 * @throws Refused where it is no key.
 */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = header.startsWith('"') ? unquoted(header) : header;
  if (key !== undefined && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw new Refused(problem('invalid-idempotency-key', KEY_RULE));
}

function unquoted(header: string): string | undefined {
  if (!/^"(?:[^"\\]|\\["\\])*"$/.test(header)) return undefined;
  return header.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
}
