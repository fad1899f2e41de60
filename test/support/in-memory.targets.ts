import { ClusterTargets } from '../../src/app/ports/cluster.targets.js';
import type { FoundTarget } from '../../src/domain/policy/facts.js';
import { FOUND } from './policies.js';

const pod = (name: string, owner: FoundTarget['owner'], ready = true): FoundTarget => ({
  ...FOUND,
  pod: name,
  owner,
  ready,
});

/** In every namespace Deployment `checkout` of two Pods, one of them ready, and a Pod of its own. */
export class MemoryTargets extends ClusterTargets {
  /** Deployments besides, of one Pod each. */
  readonly others: string[] = [];

  override async targets() {
    const { namespaceLabels, namespaceAnnotations } = FOUND;
    const checkout = { kind: 'Deployment', name: 'checkout' } as const;
    return {
      namespace: { namespaceLabels, namespaceAnnotations, pod: null },
      pods: [
        pod('tools', { kind: 'Pod', name: 'tools' }),
        pod('checkout-7d9f-b', checkout, false),
        pod('checkout-7d9f-a', checkout),
        ...this.others.map((name) => pod(`${name}-a`, { kind: 'Deployment', name })),
      ],
    };
  }
}
