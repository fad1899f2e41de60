import type {
  AdmissionPolicyFacts,
  ApiFacts,
  ClockReading,
} from '../../domain/doctor/cluster.verdicts.js';
import type { RunningContainer } from '../../domain/doctor/containers.verdict.js';
import type { Unseen } from '../../domain/doctor/finding.js';
import type { Rbac } from '../../domain/doctor/rbac.rules.js';
import type { Right } from '../../domain/doctor/rights.verdict.js';

/**
 * Whom a review of rights is of; `self`: whoever the credentials are; `actedAs`: whoever these credentials then act as,
 * which they need no right to review others for.
 */
export type Reviewee =
  | 'self'
  | { readonly user: string; readonly groups: readonly string[] }
  | { readonly actedAs: { readonly user: string; readonly group: string } };

/** One cluster, as the doctor looks at it: nothing is changed, and what may not be seen is {@link Unseen}. */
export abstract class ClusterLooks {
  abstract readonly name: string;
  /** Discovery, without which nothing else is. */
  abstract api(signal: AbortSignal): Promise<ApiFacts | Unseen>;
  /** @param namespace none: for the whole cluster. */
  abstract may(
    who: Reviewee,
    right: Right,
    at: { readonly namespace?: string; readonly signal: AbortSignal },
  ): Promise<boolean | Unseen>;
  /** All roles and bindings. */
  abstract rbac(signal: AbortSignal): Promise<Rbac | Unseen>;
  abstract namespaceLabels(
    name: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>> | Unseen>;
  abstract namespaces(signal: AbortSignal): Promise<readonly string[] | Unseen>;
  /** The debug containers that run in a namespace, by their names. */
  abstract debugContainers(
    namespace: string,
    signal: AbortSignal,
  ): Promise<readonly RunningContainer[] | Unseen>;
  /** All ValidatingAdmissionPolicies, with what their bindings do. */
  abstract admissionPolicies(
    signal: AbortSignal,
  ): Promise<readonly AdmissionPolicyFacts[] | Unseen>;
  abstract clock(signal: AbortSignal): Promise<ClockReading | Unseen>;
  abstract close(): Promise<void>;
}
