import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { AuditedCluster, DetectBypass, Taken } from './detect-bypass.js';

/** A cluster whose API server sends its audit log, and the token by which it is known. */
export interface SendingCluster extends AuditedCluster {
  readonly token: string;
}

/** Takes what API servers send of their audit logs. */
export class ReceiveAudit {
  private readonly clusters: ReadonlyMap<string, AuditedCluster & { readonly hash: Buffer }>;
  /** What no token hashes to: an unknown cluster takes as long to refuse as a wrong token. */
  private readonly nobody = randomBytes(32);

  constructor(
    private readonly deps: {
      readonly detect: DetectBypass;
      readonly clusters: readonly SendingCluster[];
    },
  ) {
    this.clusters = new Map(
      deps.clusters.map(({ name, account, token }) => [
        name,
        { name, account, hash: hashOf(token) },
      ]),
    );
  }

  /** The cluster that the token is of; for everybody else the same refusal, whether there is such a cluster or not. */
  sender(name: string, token: string): AuditedCluster | Problem {
    const cluster = this.clusters.get(name);
    const isTheirs = timingSafeEqual(hashOf(token), cluster?.hash ?? this.nobody);
    return cluster && isTheirs
      ? { name: cluster.name, account: cluster.account }
      : problem('not-found', 'There is nothing here.');
  }

  /** Once it returns, what the entries tell is written; where it throws, they are to be sent again. */
  take(cluster: AuditedCluster, entries: readonly unknown[]): Promise<Taken> {
    return this.deps.detect.take(cluster, entries);
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
