import type { Impersonation } from '../../domain/impersonation.js';

/** One cluster of the configuration, as this adapter needs it. */
export interface ClusterSettings {
  readonly name: string;
  /** The cluster that the broker itself runs in, by the service account of its Pod. */
  readonly inCluster: boolean;
  /** The path of a kubeconfig file; given exactly where `inCluster` is false. Read again whenever it changes. */
  readonly kubeconfig?: string;
  /** What stands before the paths of a Pod's service account; nothing, but where a test plays the Pod. */
  readonly podRoot?: string;
  /** A context in it; its current one where absent. */
  readonly context?: string;
  /** Globs of the namespaces that may be touched. None: no namespace at all. */
  readonly namespaces: readonly string[];
  /** Calls that are made for people are made in their names; absent: with the broker's own. */
  readonly impersonate?: Impersonation;
}

/** Where the adapter writes what operators should know. Never given a token, nor anything typed into a container. */
export interface ClusterLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
