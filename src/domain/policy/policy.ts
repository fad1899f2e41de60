/** What the policy documents say, once parsed. Shapes of the YAML are in `contract/policy.schema.ts`. */

/** Who must agree: `count` distinct people who are in any of `groups`. A count of 0 needs nobody. */
export interface Approvals {
  readonly count: number;
  readonly groups: readonly string[];
}

/** What to do with a container that will not end: raise an alert, or evict its Pod. */
export const ON_OVERRUN = ['alert', 'evict'] as const;
export type OnOverrun = (typeof ON_OVERRUN)[number];

/** The terms on which an allow rule lets somebody in. */
export interface Terms {
  readonly longestSeconds: number;
  readonly approvals: Approvals;
  readonly reasonRequired: boolean;
  readonly ticketRequired: boolean;
  readonly onOverrun: OnOverrun;
}

export interface AccessPolicy {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly match: {
    readonly groups: readonly string[];
    readonly clusters: readonly string[];
    readonly namespaces: readonly string[];
    readonly profiles: readonly string[];
  };
  readonly terms: Terms;
}

/** The parts of a container's security context that a profile may set (Kubernetes `SecurityContext`, as JSON). */
export type SecurityContext = Readonly<Record<string, unknown>>;

export interface DebugProfile {
  readonly name: string;
  readonly description: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly securityContext: SecurityContext | null;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly shell: string;
}

/** All documents in force together, with the SHA-256 (hex) of their canonical form. */
export interface PolicySet {
  readonly hash: string;
  readonly policies: readonly AccessPolicy[];
  readonly profiles: readonly DebugProfile[];
}

/** What policy gave a session, frozen on it: changing the documents later changes nothing here. */
export interface Grant {
  readonly policyHash: string;
  readonly rule: string;
  readonly terms: Terms;
  readonly profile: DebugProfile;
}
