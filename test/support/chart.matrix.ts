import { z } from 'zod';
import { PodSpec } from '../../sandbox/cluster/pod.schema.js';
import type { Pod } from '../../sandbox/cluster/pod.schema.js';
import { at } from './chart.lab.js';
import type { ChartLab, Manifest } from './chart.lab.js';
import { MATRIX } from './chart.values.js';

/** What the chart renders with each row of {@link MATRIX}. */
export class RenderedMatrix {
  private constructor(readonly sets: ReadonlyMap<string, readonly Manifest[]>) {}

  static async by(lab: ChartLab): Promise<RenderedMatrix> {
    const sets = new Map<string, Manifest[]>();
    for (const [name, values] of Object.entries(MATRIX)) sets.set(name, await lab.render(values));
    return new RenderedMatrix(sets);
  }

  of(name: string): Manifest[] {
    const found = this.sets.get(name);
    if (!found) throw new Error(`nothing was rendered for ${name}`);
    return [...found];
  }

  all(): Manifest[] {
    return [...this.sets.values()].flat();
  }
}

/** The Pods that Deployments and Jobs make, as a cluster would store them. */
export function podsOf(objects: readonly Manifest[]): Pod[] {
  const makers = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
  return makers.map((it) => {
    const { metadata, spec } = Template.parse(at(it, 'spec', 'template'));
    const stored = { uid: '1', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
    const named = { ...metadata, ...stored, name: it.metadata.name, namespace: 'hallpass' };
    return { apiVersion: 'v1', kind: 'Pod', metadata: named, spec, status: { phase: 'Pending' } };
  });
}

const Template = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).optional() }),
  spec: PodSpec,
});
