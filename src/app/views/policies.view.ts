import type { PoliciesInForce } from '../../contract/policies-in-force.schema.js';
import type { OnCallSource } from '../../domain/policy/on-call-source.js';
import type { AccessPolicy, DebugProfile, PolicySet } from '../../domain/policy/policy.js';

/** The documents in force, for those who may read them. */
export function policiesView(set: PolicySet): PoliciesInForce {
  return {
    hash: set.hash,
    policies: set.policies.map(policyView),
    profiles: set.profiles.map(profileView),
    onCallSources: set.onCallSources.map(onCallSourceView),
  };
}

/** Without the name of its secret, and of its URL the host only. */
function onCallSourceView(source: OnCallSource): PoliciesInForce['onCallSources'][number] {
  const { name, description, shape, url, match, maxAgeSeconds, staleForSeconds } = source;
  const { host } = new URL(url);
  return { name, description, shape: shape.kind, host, match, maxAgeSeconds, staleForSeconds };
}

function policyView(policy: AccessPolicy): PoliciesInForce['policies'][number] {
  const { name, description, effect, match, when, terms } = policy;
  // Plain data through and through; only its lists are not to be written to.
  return structuredClone({
    name,
    description,
    effect,
    match,
    when: when?.source ?? null,
    terms,
  }) as PoliciesInForce['policies'][number];
}

function profileView(profile: DebugProfile): PoliciesInForce['profiles'][number] {
  return {
    name: profile.name,
    description: profile.description,
    image: profile.image,
    imagePullPolicy: profile.imagePullPolicy,
    securityContext: profile.securityContext && { ...profile.securityContext },
    env: profile.env.map(({ name, value }) => ({ name, value })),
    shell: profile.shell,
    multiplexer: profile.multiplexer,
    recordInput: profile.recordInput,
  };
}
