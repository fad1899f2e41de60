import { createHash } from 'node:crypto';
import { canonicalJson } from '../audit/canonical.js';
import type { AccessPolicy, DebugProfile, PolicySet } from './policy.js';

/**
 * Puts documents together as a set. The hash covers what they mean, not how they were written: neither the order of
 * documents nor comments nor the files' names change it.
 */
export function policySet(
  policies: readonly AccessPolicy[],
  profiles: readonly DebugProfile[],
): PolicySet {
  const sorted = {
    policies: [...policies].sort(byName),
    profiles: [...profiles].sort(byName),
  };
  const hash = createHash('sha256').update(canonicalJson(sorted)).digest('hex');
  return { hash, ...sorted };
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
