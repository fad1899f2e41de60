import type { ClusterHealth } from '../../domain/cluster.health.js';

/** How the clusters are. */
export abstract class ClusterStates {
  /** Each of the configuration, in its order, as this replica knows it now. Asks none of them. */
  abstract health(): readonly ClusterHealth[];
}
