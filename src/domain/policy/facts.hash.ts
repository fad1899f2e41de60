import { createHash } from 'node:crypto';
import { canonicalJson } from '../audit/canonical.js';
import type { Facts } from './facts.js';

/**
 * SHA-256 (hex) of the facts as canonical JSON (RFC 8785), `now` as RFC 3339 in UTC with milliseconds: what the audit
 * log says of facts that are kept elsewhere, so that those can be checked against it.
 */
export function factsHash({ now, ...facts }: Facts): string {
  const text = canonicalJson({ ...facts, now: now.toISOString() });
  return createHash('sha256').update(text).digest('hex');
}
