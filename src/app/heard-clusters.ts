/** What this replica heard of a cluster's audit log since it started. */
export interface HeardCluster {
  readonly name: string;
  /** Entries that were looked at, and those in a form that is not known. */
  readonly read: number;
  readonly unreadable: number;
  /** What went past the broker. */
  readonly bypasses: number;
  /** Batches of the webhook that were refused because too many came at once. */
  readonly busy: number;
  /** Null: nothing was heard yet. */
  readonly heardAt: Date | null;
}

const NOTHING = { read: 0, unreadable: 0, bypasses: 0, busy: 0, heardAt: null };

/** Counts, by cluster. There are no more than the configuration has. */
export class HeardClusters {
  private readonly clusters = new Map<string, HeardCluster>();

  /** Those of the names that are given, in their order, also where nothing was heard. */
  of(names: readonly string[]): readonly HeardCluster[] {
    return names.map((name) => this.clusters.get(name) ?? { name, ...NOTHING });
  }

  heard(name: string, more: { read: number; unreadable: number; at: Date }): void {
    const { read, unreadable, ...cluster } = this.one(name);
    this.clusters.set(name, {
      ...cluster,
      read: read + more.read,
      unreadable: unreadable + more.unreadable,
      heardAt: more.at,
    });
  }

  bypass(name: string): void {
    const cluster = this.one(name);
    this.clusters.set(name, { ...cluster, bypasses: cluster.bypasses + 1 });
  }

  busy(name: string): void {
    const cluster = this.one(name);
    this.clusters.set(name, { ...cluster, busy: cluster.busy + 1 });
  }

  private one(name: string): HeardCluster {
    return this.clusters.get(name) ?? { name, ...NOTHING };
  }
}
