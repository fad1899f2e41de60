/**
 * How many sessions of one cluster a replica ends at the same time, and on how many it does anything else: neither waits
 * for the other. Each cluster has its equal share of what was set for all, whether it needs it or not: so one that does
 * not answer takes nothing from the others, and many that do not take no more than was set.
 *
 * @param perCluster how many of one cluster at most.
 * @param overAll how many of all clusters. Where that is less than two for each, each has two all the same: one that
 * hangs leaves another.
 */
export function lanesOfEach(args: {
  readonly perCluster: number;
  readonly overAll: number;
  readonly clusters: number;
}): number {
  const share = Math.floor(args.overAll / Math.max(args.clusters, 1));
  return Math.max(Math.min(args.perCluster, share), 2);
}
