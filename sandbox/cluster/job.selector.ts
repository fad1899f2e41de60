import type { StoredMeta } from './kube.object.js';
import { notSupported, type Refusal } from './status.objects.js';
import type { WorkloadSpec } from './workload.schema.js';

const uidLabel = 'batch.kubernetes.io/controller-uid';

/**
 * A Job's spec with the labels and the selector by which it finds its own Pods and no others, as the server makes them
 * unless `manualSelector` says otherwise (pkg/registry/batch/job/strategy.go, generateSelector).
 */
export function withGeneratedSelector(
  spec: WorkloadSpec,
  { name, uid }: StoredMeta,
): WorkloadSpec | Refusal {
  if (spec['manualSelector'] === true) return spec;
  if (spec.selector !== undefined) return notSupported('a selector of a Job of its own');
  const { metadata } = spec.template;
  const labels = {
    [uidLabel]: uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
    ...metadata.labels,
  };
  return {
    ...spec,
    selector: { matchLabels: { [uidLabel]: uid } },
    template: { ...spec.template, metadata: { ...metadata, labels } },
  };
}
