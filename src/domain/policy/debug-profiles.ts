import type { SecurityContext } from './policy.js';

/** The names that `kubectl debug --profile` knows, but for the deprecated `legacy` and for `auto`. */
export const DEBUG_PROFILES = [
  'general',
  'baseline',
  'restricted',
  'netadmin',
  'sysadmin',
] as const;
export type DebugProfileName = (typeof DEBUG_PROFILES)[number];

/**
 * What each of them means for an ephemeral container; null: no security context at all. Source: Kubernetes 1.36,
 * `staging/src/k8s.io/kubectl/pkg/cmd/debug/profiles.go`. `restricted` sets no user, so that an image whose user is
 * root fails at the kubelet and not at the API.
 */
export const SECURITY_CONTEXTS: Readonly<Record<DebugProfileName, SecurityContext | null>> = {
  general: { capabilities: { add: ['SYS_PTRACE'] } },
  baseline: null,
  restricted: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  netadmin: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
  sysadmin: { privileged: true },
};
