import type { HeardCluster } from '../heard-clusters.js';

/** A cluster of which nothing is heard for so long is told of: whoever may change its audit policy can silence it. */
const SILENT_MS = 24 * 3_600_000;
const TOLD_MAX = 10;

/** What readiness says of audit logs of Kubernetes: the replica serves without them, and an operator should know. */
export function heardReadiness(
  clusters: readonly HeardCluster[],
  { startedAt, now }: { readonly startedAt: Date; readonly now: Date },
): true | { ok: true; note: string } {
  const silent = clusters.filter(
    ({ heardAt }) => now.getTime() - (heardAt ?? startedAt).getTime() > SILENT_MS,
  );
  if (silent.length === 0) return true;
  const told = silent.slice(0, TOLD_MAX).map(({ name }) => name);
  return {
    ok: true,
    note: `this replica has heard nothing of the audit log of these clusters for a day: ${told.join(', ')}`,
  };
}
