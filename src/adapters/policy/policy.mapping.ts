import type { AccessPolicyDocument, DebugProfileDocument } from '../../contract/policy.schema.js';
import { SECURITY_CONTEXTS } from '../../domain/policy/debug-profiles.js';
import type { AccessPolicy, DebugProfile, Terms } from '../../domain/policy/policy.js';

/** A deny has no terms; these stand in their place and admit nothing. */
const NO_TERMS: Terms = {
  longestSeconds: 0,
  approvals: { count: 0, groups: [] },
  reasonRequired: false,
  ticketRequired: false,
  onOverrun: 'alert',
};

/** What the document means, all defaults written out. */
export function accessPolicyOf({ metadata, spec }: AccessPolicyDocument): AccessPolicy {
  return {
    name: metadata.name,
    effect: spec.effect,
    match: spec.match,
    terms: spec.terms === undefined ? NO_TERMS : termsOf(spec.terms),
  };
}

function termsOf(terms: NonNullable<AccessPolicyDocument['spec']['terms']>): Terms {
  const { longest, longestSeconds, approvals, reasonRequired, ticketRequired, onOverrun } = terms;
  return {
    // The schema lets one of the two through.
    longestSeconds: longest ?? longestSeconds ?? 0,
    approvals,
    reasonRequired,
    ticketRequired,
    onOverrun,
  };
}

/** What the document means: `kubectl`'s profiles become the security contexts they stand for. */
export function debugProfileOf({ metadata, spec }: DebugProfileDocument): DebugProfile {
  const { description, image, imagePullPolicy, env, shell } = spec;
  return {
    name: metadata.name,
    description,
    image,
    imagePullPolicy,
    securityContext:
      spec.debugProfile === undefined
        ? (spec.securityContext ?? null)
        : SECURITY_CONTEXTS[spec.debugProfile],
    env,
    shell,
  };
}
