/** How many sessions of one cluster a replica works on at the same time. */
export interface Lanes {
  readonly all: number;
  /** Of these, how many may be held when work is taken up that ends nothing. The others are kept for what ends. */
  readonly usual: number;
}

/** One of so many is kept for what ends sessions. */
const KEPT_ONE_OF = 4;

/**
 * Each cluster has its equal share of what a replica works on at once, whether it needs it or not: so one that does not
 * answer takes nothing from the others, and many that do not take no more than was set.
 *
 * @param perCluster how many of one cluster at most.
 * @param overAll how many of all clusters. Where that is less than two for each, each has two all the same: one for
 * what ends sessions, and one for everything.
 */
export function lanesOfEach(args: {
  readonly perCluster: number;
  readonly overAll: number;
  readonly clusters: number;
}): Lanes {
  const share = Math.floor(args.overAll / Math.max(args.clusters, 1));
  const all = Math.max(Math.min(args.perCluster, share), 2);
  return { all, usual: all - Math.ceil(all / KEPT_ONE_OF) };
}
