import type { WorkloadDocument } from './kubernetes.documents.js';

type Selector = NonNullable<WorkloadDocument['spec']>['selector'];

/** How each operator of a label selector is written in a query (API reference, "Label selectors"). */
const WRITTEN: Readonly<Record<string, (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** A workload's selector as the query `labelSelector`; `undefined` where it selects nothing or cannot be written. */
export function labelSelector(selector: Selector): string | undefined {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(
    ([key, value]) => `${key}=${value}`,
  );
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values }) =>
    WRITTEN[operator]?.(key, (values ?? []).join(',')),
  );
  const parts = [...labels, ...expressions];
  // Leaving out what is not understood would select more than the workload does.
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  return parts.join(',');
}
