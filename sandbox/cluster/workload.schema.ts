import { z } from 'zod';
import { IncomingObject, type KubeObject, ObjectMeta } from './kube.object.js';
import { PodSpec } from './pod.schema.js';

export const LabelSelector = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.looseObject({
        key: z.string(),
        operator: z.string(),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});
export type LabelSelector = z.infer<typeof LabelSelector>;

const PodTemplate = z.looseObject({ metadata: ObjectMeta.default({}), spec: PodSpec });
export type PodTemplate = z.infer<typeof PodTemplate>;

/** Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs: what the controllers read of them. */
export const IncomingWorkload = IncomingObject.extend({
  spec: z.looseObject({
    replicas: z.number().int().min(0).optional(),
    selector: LabelSelector.optional(),
    template: PodTemplate,
    completions: z.number().int().optional(),
    parallelism: z.number().int().optional(),
    backoffLimit: z.number().int().optional(),
    serviceName: z.string().optional(),
  }),
});
export type WorkloadSpec = z.infer<typeof IncomingWorkload>['spec'];

export interface Workload extends KubeObject {
  spec: WorkloadSpec;
  status: Record<string, unknown>;
}

export const IncomingBudget = IncomingObject.extend({
  spec: z.looseObject({
    minAvailable: z.union([z.number().int(), z.string()]).optional(),
    maxUnavailable: z.union([z.number().int(), z.string()]).optional(),
    selector: LabelSelector.optional(),
  }),
});

export interface Budget extends KubeObject {
  spec: z.infer<typeof IncomingBudget>['spec'];
  status: {
    observedGeneration: number;
    disruptionsAllowed: number;
    currentHealthy: number;
    desiredHealthy: number;
    expectedPods: number;
    conditions?: unknown[];
  };
}
