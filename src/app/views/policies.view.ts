import type { PoliciesInForce } from '../../contract/policies-in-force.schema.js';
import type { AccessPolicy, DebugProfile, PolicySet } from '../../domain/policy/policy.js';

/** The documents in force, for those who may read them. */
export function policiesView({ hash, policies, profiles }: PolicySet): PoliciesInForce {
  return { hash, policies: policies.map(policyView), profiles: profiles.map(profileView) };
}

function policyView({
  name,
  effect,
  match,
  terms,
}: AccessPolicy): PoliciesInForce['policies'][number] {
  return {
    name,
    effect,
    match: {
      groups: [...match.groups],
      clusters: [...match.clusters],
      namespaces: [...match.namespaces],
      profiles: [...match.profiles],
    },
    terms: {
      longestSeconds: terms.longestSeconds,
      approvals: { count: terms.approvals.count, groups: [...terms.approvals.groups] },
      reasonRequired: terms.reasonRequired,
      ticketRequired: terms.ticketRequired,
      onOverrun: terms.onOverrun,
    },
  };
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
  };
}
