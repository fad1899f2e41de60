import type { FoundNamespace, FoundTarget } from '../../domain/policy/facts.js';
import type { Problem } from '../../domain/problem.js';

/** As many Pods of a namespace are looked at; whoever has more names what they want. */
export const LISTED_PODS_MAX = 1_000;

/** What there is in a namespace to be debugged. */
export abstract class ClusterTargets {
  /**
   * The Pods of a namespace that a debug container could be added to, {@link LISTED_PODS_MAX} at most. A namespace that is
   * not there is one without Pods; one that may not be touched is `target-not-found`.
   */
  abstract targets(at: {
    readonly cluster: string;
    readonly namespace: string;
  }): Promise<
    { readonly namespace: FoundNamespace; readonly pods: readonly FoundTarget[] } | Problem
  >;
}
