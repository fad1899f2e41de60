import { createHash } from 'node:crypto';
import { canonicalJson } from '../audit/canonical.js';
import type { OnCallSource } from './on-call-source.js';
import type { AccessPolicy, DebugProfile, PolicyFile, PolicySet } from './policy.js';
import { RuleIndex } from './rule.index.js';

/**
 * Puts documents together as a set. Its hash is that of the files' names and texts, in the order of the names, so that
 * whoever has the hash can tell whether a text is the one that a decision was made from.
 */
export function policySet(parts: {
  readonly files: readonly PolicyFile[];
  readonly policies: readonly AccessPolicy[];
  readonly profiles: readonly DebugProfile[];
  readonly onCallSources: readonly OnCallSource[];
}): PolicySet {
  const files = [...parts.files].sort(byName);
  const policies = [...parts.policies].sort(byName);
  return {
    hash: filesHash(files),
    files,
    policies,
    profiles: [...parts.profiles].sort(byName),
    onCallSources: [...parts.onCallSources].sort(byName),
    index: new RuleIndex(policies),
  };
}

/** The profile of that name, found in time logarithmic in their number. */
export function profileNamed({ profiles }: PolicySet, name: string): DebugProfile | undefined {
  let [low, high] = [0, profiles.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const profile = profiles[middle];
    if (profile === undefined || profile.name === name) return profile;
    if (profile.name < name) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** The hash of a set that is made of these files, which are in the order of their names. */
export function filesHash(files: readonly PolicyFile[]): string {
  const plain = files.map(({ name, text }) => ({ name, text }));
  return createHash('sha256').update(canonicalJson(plain)).digest('hex');
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
