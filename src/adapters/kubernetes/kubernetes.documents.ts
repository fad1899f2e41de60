import { z } from 'zod';

const text = z.string().nullish();

/** A time as the API writes it (RFC 3339), or as client-node has read it. */
const instant = z
  .union([z.string(), z.date()])
  .transform((value) => new Date(value))
  .refine((date) => !Number.isNaN(date.getTime()), 'not a time');

const ContainerState = z.looseObject({
  waiting: z.looseObject({ reason: text, message: text }).nullish(),
  running: z.looseObject({ startedAt: instant.nullish() }).nullish(),
  terminated: z
    .looseObject({
      exitCode: z.number().int(),
      reason: text,
      message: text,
      startedAt: instant.nullish(),
      finishedAt: instant.nullish(),
    })
    .nullish(),
});

const ContainerStatus = z.looseObject({
  name: z.string(),
  state: ContainerState.nullish(),
  lastState: ContainerState.nullish(),
  imageID: text,
  ready: z.boolean().nullish(),
  restartCount: z.number().nullish(),
});
export type ContainerStatus = z.infer<typeof ContainerStatus>;

const statuses = z.array(ContainerStatus).nullish();
const named = z.array(z.looseObject({ name: z.string() })).nullish();

const Metadata = z.looseObject({
  name: z.string(),
  uid: z.string(),
  resourceVersion: text,
  creationTimestamp: instant.nullish(),
  deletionTimestamp: instant.nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  ownerReferences: z
    .array(
      z.looseObject({
        apiVersion: z.string().nullish(),
        uid: z.string(),
        kind: z.string(),
        name: z.string(),
        controller: z.boolean().nullish(),
      }),
    )
    .nullish(),
});

const SecurityContext = z.looseObject({ windowsOptions: z.looseObject({}).nullish() }).nullish();

const matchExpressions = z
  .array(
    z.looseObject({
      key: z.string(),
      operator: z.string(),
      values: z.array(z.string()).nullish(),
    }),
  )
  .nullish();

const Affinity = z.looseObject({
  nodeAffinity: z
    .looseObject({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .looseObject({ nodeSelectorTerms: z.array(z.looseObject({ matchExpressions })) })
        .nullish(),
    })
    .nullish(),
});

/** What this adapter reads of a Pod (core/v1); everything else is left alone. */
export const PodDocument = z.looseObject({
  metadata: Metadata,
  spec: z.looseObject({
    nodeName: text,
    nodeSelector: z.record(z.string(), z.string()).nullish(),
    os: z.looseObject({ name: z.string() }).nullish(),
    affinity: Affinity.nullish(),
    securityContext: SecurityContext,
    containers: z.array(z.looseObject({ name: z.string(), image: text })),
    initContainers: named,
    ephemeralContainers: z
      .array(
        z.looseObject({
          name: z.string(),
          env: z.array(z.looseObject({ name: z.string(), value: text })).nullish(),
        }),
      )
      .nullish(),
  }),
  status: z
    .looseObject({
      phase: text,
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).nullish(),
      containerStatuses: statuses,
      initContainerStatuses: statuses,
      ephemeralContainerStatuses: statuses,
    })
    .nullish(),
});
export type PodDocument = z.infer<typeof PodDocument>;

/** What this adapter reads of a namespace. */
export const NamespaceDocument = z.looseObject({ metadata: Metadata });
export type NamespaceDocument = z.infer<typeof NamespaceDocument>;

export const PodList = z.looseObject({
  metadata: z.looseObject({ _continue: text }).nullish(),
  items: z.array(PodDocument),
});

/** What this adapter reads of a workload: who it is, and which Pods it selects. */
export const WorkloadDocument = z.looseObject({
  metadata: Metadata,
  spec: z
    .looseObject({
      selector: z
        .looseObject({
          matchLabels: z.record(z.string(), z.string()).nullish(),
          matchExpressions,
        })
        .nullish(),
    })
    .nullish(),
});
export type WorkloadDocument = z.infer<typeof WorkloadDocument>;

export const OwnerList = z.looseObject({ items: z.array(z.looseObject({ metadata: Metadata })) });

/** A line of a watch of Pods: a bookmark's Pod is nearly empty, an error's object is a Status. */
export const WatchLine = z.discriminatedUnion('type', [
  z.looseObject({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: PodDocument }),
  z.looseObject({
    type: z.literal('BOOKMARK'),
    object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
  }),
  z.looseObject({
    type: z.literal('ERROR'),
    object: z.looseObject({ code: z.number().nullish(), message: text, reason: text }),
  }),
]);
export type WatchLine = z.infer<typeof WatchLine>;
