import { z } from 'zod';
import { IncomingObject, type KubeObject } from './kube.object.js';

/** The parts of a Pod that the stand-in acts on; everything else is kept and shown, as a real server would. */
export const SecurityContext = z.looseObject({
  privileged: z.boolean().optional(),
  runAsUser: z.number().optional(),
  runAsNonRoot: z.boolean().optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  allowPrivilegeEscalation: z.boolean().optional(),
  capabilities: z
    .looseObject({
      add: z.array(z.string()).optional(),
      drop: z.array(z.string()).optional(),
    })
    .optional(),
  seccompProfile: z.looseObject({ type: z.string() }).optional(),
});
export type SecurityContext = z.infer<typeof SecurityContext>;

export const EnvVar = z.looseObject({
  name: z.string().default(''),
  value: z.string().optional(),
  valueFrom: z.record(z.string(), z.unknown()).optional(),
});

export const Container = z.looseObject({
  name: z.string().default(''),
  image: z.string().optional(),
  command: z.array(z.string()).nullish(),
  args: z.array(z.string()).nullish(),
  workingDir: z.string().optional(),
  env: z.array(EnvVar).nullish(),
  envFrom: z.array(z.unknown()).nullish(),
  imagePullPolicy: z.string().optional(),
  restartPolicy: z.string().optional(),
  resources: z.record(z.string(), z.unknown()).nullish(),
  securityContext: SecurityContext.nullish(),
  stdin: z.boolean().optional(),
  stdinOnce: z.boolean().optional(),
  tty: z.boolean().optional(),
  terminationMessagePolicy: z.string().optional(),
  volumeMounts: z
    .array(z.looseObject({ name: z.string().default(''), mountPath: z.string().default('') }))
    .nullish(),
});
export type Container = z.infer<typeof Container>;

export const EphemeralContainer = Container.extend({
  targetContainerName: z.string().optional(),
});
export type EphemeralContainer = z.infer<typeof EphemeralContainer>;

export const PodSpec = z.looseObject({
  containers: z.array(Container).default([]),
  initContainers: z.array(Container).optional(),
  ephemeralContainers: z.array(EphemeralContainer).optional(),
  restartPolicy: z.string().optional(),
  nodeName: z.string().optional(),
  nodeSelector: z.record(z.string(), z.string()).optional(),
  terminationGracePeriodSeconds: z.number().optional(),
  serviceAccountName: z.string().optional(),
  securityContext: SecurityContext.nullish(),
  shareProcessNamespace: z.boolean().optional(),
  hostPID: z.boolean().optional(),
  hostNetwork: z.boolean().optional(),
  hostIPC: z.boolean().optional(),
  automountServiceAccountToken: z.boolean().optional(),
  volumes: z.array(z.looseObject({ name: z.string().default('') })).optional(),
  os: z.looseObject({ name: z.string() }).optional(),
});
export type PodSpec = z.infer<typeof PodSpec>;

export const IncomingPod = IncomingObject.extend({ spec: PodSpec.default({ containers: [] }) });

export interface ContainerState {
  waiting?: { reason: string; message?: string };
  running?: { startedAt: string };
  terminated?: {
    exitCode: number;
    reason: string;
    message?: string;
    startedAt: string;
    finishedAt: string;
    containerID?: string;
  };
}

export interface ContainerStatus {
  name: string;
  state: ContainerState;
  lastState: ContainerState;
  ready: boolean;
  restartCount: number;
  image: string;
  imageID: string;
  containerID?: string;
  started?: boolean;
  resources?: Record<string, never>;
  volumeMounts?: unknown[];
  user?: { linux: { uid: number; gid: number; supplementalGroups: number[] } };
}

export interface PodCondition {
  type: string;
  observedGeneration?: number;
  status: 'True' | 'False';
  lastProbeTime: null;
  lastTransitionTime: string;
  reason?: string;
  message?: string;
}

export interface PodStatus {
  observedGeneration?: number;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  conditions?: PodCondition[];
  message?: string;
  reason?: string;
  hostIP?: string;
  hostIPs?: { ip: string }[];
  podIP?: string;
  podIPs?: { ip: string }[];
  startTime?: string;
  initContainerStatuses?: ContainerStatus[];
  containerStatuses?: ContainerStatus[];
  qosClass?: string;
  ephemeralContainerStatuses?: ContainerStatus[];
  resources?: Record<string, never>;
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status: PodStatus;
}
