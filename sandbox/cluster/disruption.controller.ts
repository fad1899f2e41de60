import { sameJson } from './json.value.js';
import type { ObjectStore } from './object.store.js';
import { isOver, isReady } from './pod.readiness.js';
import type { Pod } from './pod.schema.js';
import { matchesSelector } from './selectors.js';
import type { Budget } from './workload.schema.js';

/** Counts, for each disruption budget of a namespace, how many Pods may be evicted. */
export function countBudgets(store: ObjectStore, namespace: string | undefined): void {
  for (const budget of store.list('poddisruptionbudgets', namespace)) {
    const pods = store
      .list('pods', budget.metadata.namespace)
      .filter((pod) => matchesSelector(budget.spec.selector, pod.metadata.labels) && !isOver(pod));
    const status = budgetStatus(budget, pods);
    if (!sameJson(budget.status, status)) store.put('poddisruptionbudgets', { ...budget, status });
  }
}

function budgetStatus({ spec, metadata }: Budget, pods: readonly Pod[]): Budget['status'] {
  const expected = pods.length;
  const healthy = pods.filter(
    (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
  ).length;
  const count = (amount: number | string) =>
    typeof amount === 'number' ? amount : Math.ceil((Number.parseInt(amount, 10) / 100) * expected);
  const desired =
    spec.maxUnavailable !== undefined
      ? Math.max(0, expected - count(spec.maxUnavailable))
      : count(spec.minAvailable ?? 1);
  return {
    observedGeneration: metadata.generation ?? 1,
    disruptionsAllowed: Math.max(0, healthy - desired),
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
  };
}
