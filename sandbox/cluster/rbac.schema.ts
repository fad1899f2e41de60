import { z } from 'zod';
import { IncomingObject, type KubeObject } from './kube.object.js';

export const PolicyRule = z.looseObject({
  verbs: z.array(z.string()).default([]),
  apiGroups: z.array(z.string()).optional(),
  resources: z.array(z.string()).optional(),
  resourceNames: z.array(z.string()).optional(),
  nonResourceURLs: z.array(z.string()).optional(),
});
export type PolicyRule = z.infer<typeof PolicyRule>;

export const IncomingRole = IncomingObject.extend({ rules: z.array(PolicyRule).nullish() });

export const Subject = z.looseObject({
  kind: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
  apiGroup: z.string().optional(),
});
export type Subject = z.infer<typeof Subject>;

export const IncomingBinding = IncomingObject.extend({
  subjects: z.array(Subject).nullish(),
  roleRef: z.looseObject({ kind: z.string(), name: z.string(), apiGroup: z.string().optional() }),
});

export interface Role extends KubeObject {
  rules?: PolicyRule[] | null | undefined;
}
export interface Binding extends KubeObject {
  subjects?: Subject[] | null | undefined;
  roleRef: { kind: string; name: string; apiGroup?: string | undefined };
}
