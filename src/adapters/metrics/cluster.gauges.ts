import type { Gauge } from 'prom-client';
import type { ClusterHealth } from '../../domain/cluster.health.js';

export interface ClusterGauges {
  readonly clusterUp: Gauge;
  readonly clusterAnswerAge: Gauge;
  readonly clusterUnsupported: Gauge;
  readonly clusterCredentialsRefused: Gauge;
}

/** Sets what is told of clusters, as they are at an instant. */
export function takeClusters(
  gauges: ClusterGauges,
  states: readonly ClusterHealth[],
  nowMs: number,
): void {
  const secondsSince = (at: Date): number => Math.max(0, (nowMs - at.getTime()) / 1000);
  const { clusterUp, clusterAnswerAge, clusterUnsupported, clusterCredentialsRefused } = gauges;
  for (const gauge of [clusterUp, clusterAnswerAge]) gauge.reset();
  for (const { name: cluster, state, answeredAt, unsupported, credentials } of states) {
    const { refusedSince } = credentials;
    if (state !== 'unknown') clusterUp.set({ cluster }, state === 'reachable' ? 1 : 0);
    if (answeredAt) clusterAnswerAge.set({ cluster }, secondsSince(answeredAt));
    clusterUnsupported.set({ cluster }, unsupported === null ? 0 : 1);
    clusterCredentialsRefused.set({ cluster }, refusedSince ? secondsSince(refusedSince) : 0);
  }
}
