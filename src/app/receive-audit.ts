import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { AuditedCluster, DetectBypass, Taken } from './detect-bypass.js';

/** A cluster whose API server sends its audit log, and the token by which it is known. */
export interface SendingCluster extends AuditedCluster {
  /** Asked for with each use. */
  readonly token: () => string;
}

/** Batches of up to 10 MiB that are read at once: what they take of memory, several times over as JSON. */
const BATCHES_MAX = 8;
/** Of one cluster: none keeps the others out. */
const OF_CLUSTER_MAX = 4;
const BUSY_SECONDS = 1;

/** Takes what API servers send of their audit logs. */
export class ReceiveAudit {
  private readonly clusters: ReadonlyMap<string, SendingCluster>;
  /** What no token hashes to: an unknown cluster takes as long to refuse as a wrong token. */
  private readonly nobody = randomBytes(32);
  /** How many batches of each cluster are being read. */
  private readonly open = new Map<string, number>();

  constructor(
    private readonly deps: {
      readonly detect: DetectBypass;
      readonly clusters: readonly SendingCluster[];
    },
  ) {
    this.clusters = new Map(deps.clusters.map((cluster) => [cluster.name, cluster]));
  }

  /** The cluster that the token is of; for everybody else the same refusal, whether there is such a cluster or not. */
  sender(name: string, token: string): AuditedCluster | Problem {
    const cluster = this.clusters.get(name);
    const isTheirs = timingSafeEqual(
      hashOf(token),
      cluster ? hashOf(cluster.token()) : this.nobody,
    );
    return cluster && isTheirs
      ? { name, account: cluster.account, impersonates: cluster.impersonates ?? null }
      : problem('not-found', 'There is nothing here.');
  }

  /**
   * Makes room for one batch, before any of it is read.
   *
   * @returns what gives the room back, to be called once or more; a refusal where too many are being read.
   */
  admit({ name }: AuditedCluster): (() => void) | Problem {
    const own = this.open.get(name) ?? 0;
    const all = [...this.open.values()].reduce((sum, it) => sum + it, 0);
    if (own >= OF_CLUSTER_MAX || all >= BATCHES_MAX) {
      this.deps.detect.heard.busy(name);
      return problem('too-many-requests', 'Too many batches are being read. Try again.', {
        retryAfterSeconds: BUSY_SECONDS,
      });
    }
    this.open.set(name, own + 1);
    let isOpen = true;
    return () => {
      if (isOpen) this.open.set(name, (this.open.get(name) ?? 1) - 1);
      isOpen = false;
    };
  }

  /** Once it returns, what the entries tell is written; where it throws, they are to be sent again. */
  take(cluster: AuditedCluster, entries: readonly unknown[]): Promise<Taken> {
    return this.deps.detect.take(cluster, entries);
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
