import { z } from 'zod';

/** Parts that are Kubernetes' own: the API server knows them better than we do. */
const kubernetes = {
  object: (): z.ZodType => z.record(z.string(), z.unknown()).meta({ kubernetes: true }),
  list: (): z.ZodType =>
    z.array(z.record(z.string(), z.unknown()).meta({ kubernetes: true })).max(64),
};

/** What is left out has its default; what null may not take away is in chart.schema.ts. */
const part = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => z.strictObject(shape).partial();

const LABEL_KEY =
  /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
const CIDR =
  /^([0-9]{1,3}(\.[0-9]{1,3}){3}\/([0-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]+\/([0-9]{1,2}|1[01][0-9]|12[0-8]))$/;
const DURATION = /^([0-9]{1,6}(ms|s|m|h))+$/;
/** As the Gateway API has them: a week is 168h, for 604800s has a digit too many. */
const GATEWAY_DURATION = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const DNS_NAME =
  /^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** What a Secret or ConfigMap may call what it holds. */
export const FILE_KEY = /^\.?[A-Za-z0-9_-][A-Za-z0-9._-]{0,251}$/;
/** Where an image is, without tag and digest; a colon stands before a port alone. */
const REPOSITORY = /^([A-Za-z0-9.-]+(:[0-9]{1,5})?\/)?[a-z0-9]+([._/-]+[a-z0-9]+)*$/;

const name = (): z.ZodString =>
  z
    .string()
    .max(253)
    .regex(/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/);
const text = (max = 1024): z.ZodString => z.string().max(max);
const whole = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);
const portNumber = (): z.ZodInt => whole(1, 65_535);
const labels = () => z.record(z.string().regex(LABEL_KEY), z.string().regex(LABEL_VALUE));
const annotations = () => z.record(z.string().regex(LABEL_KEY), text(262_144));
const cidrs = () => z.array(z.string().regex(CIDR)).max(256);
const duration = (): z.ZodString => z.string().regex(DURATION);

const orNothing = (pattern: RegExp): RegExp => new RegExp(`^$|${pattern.source}`);

const groups = () => z.array(text(512).min(1)).max(64);
const allowance = () => z.enum(['allowed', 'refused']);

const resources = () =>
  part({
    requests: z.record(text(253), z.union([z.string(), z.number()])),
    limits: z.record(text(253), z.union([z.string(), z.number()])),
  });

/** The environment of a container. */
const variables = () =>
  z
    .array(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z_.-][A-Za-z0-9_.-]*$/),
        value: text(131_072).optional(),
        valueFrom: kubernetes.object().optional(),
      }),
    )
    .max(256);

const egress = () =>
  part({ cidrs: cidrs(), peers: kubernetes.list(), ports: z.array(portNumber()).max(32) });

/**
 * What the chart takes, but for `config`, which is the configuration's own schema. Keys that end in `File` are files:
 * see chart.schema.ts.
 */
export const chartValues = part({
  nameOverride: name(),
  fullnameOverride: z
    .string()
    .max(50)
    .regex(/^([a-z]([a-z0-9-]*[a-z0-9])?)?$/),
  commonLabels: labels(),
  image: part({
    repository: text(512).regex(orNothing(REPOSITORY)),
    tag: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/),
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: z.array(z.strictObject({ name: name().min(1) })).max(32),
  config: z.record(z.string(), z.unknown()),
  trustedCa: part({
    existingConfigMap: name(),
    existingSecret: name(),
    key: z.string().regex(FILE_KEY),
  }),
  policies: part({
    documents: z.record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,240}\.ya?ml$/),
      z.string().max(1_048_576),
    ),
    existingConfigMaps: z.array(name().min(1)).max(64),
  }),
  migrations: part({
    enabled: z.boolean(),
    ownerUrlFile: text(4096),
    backoffLimit: whole(0, 20),
    activeDeadlineSeconds: whole(10, 86_400),
    extraEnv: variables(),
    resources: resources(),
  }),
  replicas: whole(1, 50),
  revisionHistoryLimit: whole(0, 100),
  preStopSleepSeconds: whole(0, 300),
  terminationGracePeriodSeconds: whole(10, 28_800),
  podDisruptionBudget: part({
    enabled: z.boolean(),
    maxUnavailable: z.union([whole(1, 50), z.string().regex(/^[1-9][0-9]?%$/)]),
  }),
  topologySpreadConstraints: kubernetes.list(),
  nodeSelector: labels(),
  tolerations: kubernetes.list(),
  affinity: kubernetes.object(),
  priorityClassName: name(),
  resources: resources(),
  deploymentAnnotations: annotations(),
  podAnnotations: annotations(),
  podLabels: labels(),
  podSecurityContext: kubernetes.object(),
  containerSecurityContext: kubernetes.object(),
  shareProcessNamespace: z.boolean(),
  extraEnv: variables(),
  extraVolumes: kubernetes.list(),
  extraVolumeMounts: kubernetes.list(),
  extraObjects: z
    .array(z.union([z.record(z.string(), z.unknown()).meta({ kubernetes: true }), z.string()]))
    .max(256),
  serviceAccount: part({ create: z.boolean(), name: name(), annotations: annotations() }),
  rbac: part({
    create: z.boolean(),
    scope: z.enum(['namespaces', 'cluster']),
    evict: z.boolean(),
    logs: z.boolean(),
    portForward: z.boolean(),
    impersonate: z.enum(['none', 'classic', 'constrained']),
  }),
  lockdown: part({
    // A bare off is false to YAML.
    mode: z.literal(['off', 'audit', 'enforce', false]),
    exceptGroups: groups(),
    limits: part({
      images: z.array(z.string().regex(/^[^\s@]{1,400}@sha256:[0-9a-f]{64}$/)).max(256),
      shells: z.array(z.string().max(256).regex(/^\//)).min(1).max(32),
      longestSeconds: whole(1, 604_800),
      capabilities: z.array(z.string().regex(/^[A-Z_]{1,64}$/)).max(64),
      env: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/)).max(256),
      privileged: allowance(),
      unconfined: allowance(),
      seLinuxOptions: allowance(),
      root: allowance(),
      privilegeEscalation: allowance(),
      writableRoot: allowance(),
      defaultCapabilities: allowance(),
    }),
  }),
  service: part({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port: portNumber(),
    annotations: annotations(),
    loadBalancerIP: text(64),
    loadBalancerSourceRanges: cidrs(),
  }),
  tls: part({
    enabled: z.boolean(),
    existingSecret: name(),
    certificate: part({
      enabled: z.boolean(),
      issuerRef: part({ kind: text(63), name: name(), group: text(253) }),
      dnsNames: z.array(text(253).regex(DNS_NAME)).max(64),
      duration: duration(),
      renewBefore: duration(),
    }),
  }),
  ingress: part({
    enabled: z.boolean(),
    className: name(),
    controller: z.enum(['nginx', 'haproxy', 'alb', 'gce', 'other']),
    timeoutSeconds: whole(60, 604_800),
    annotations: annotations(),
    host: text(253).regex(orNothing(DNS_NAME)),
    path: z.string().max(1024).regex(/^\//),
    tlsSecret: name(),
  }),
  gateway: part({
    enabled: z.boolean(),
    parentRefs: kubernetes.list(),
    hostnames: z.array(text(253).regex(DNS_NAME)).max(16),
    requestTimeout: z.string().regex(GATEWAY_DURATION),
    backendCa: z.union([z.literal('System'), name()]),
    annotations: annotations(),
  }),
  networkPolicy: part({
    enabled: z.boolean(),
    ingress: part({ api: kubernetes.list(), metrics: kubernetes.list() }),
    egress: part({
      dns: egress(),
      database: egress(),
      apiServer: egress(),
      identityProvider: egress(),
      slack: egress(),
      s3: egress(),
      smtp: egress(),
      webhooks: egress(),
      syslog: egress(),
      onCall: egress(),
      traces: egress(),
      extra: kubernetes.list(),
    }),
  }),
  metrics: part({
    service: z.boolean(),
    serviceMonitor: part({
      enabled: z.boolean(),
      namespace: name(),
      labels: labels(),
      interval: duration(),
      scrapeTimeout: duration(),
    }),
    prometheusRule: part({
      enabled: z.boolean(),
      namespace: name(),
      labels: labels(),
      alertLabels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), text()),
      disabled: z.array(z.string().regex(/^Hallpass[A-Za-z]+$/)).max(64),
      runbookUrl: z
        .string()
        .max(2048)
        .regex(/^(https?:\/\/.+)?$/),
      runbookSuffix: text(32),
    }),
    dashboard: part({
      enabled: z.boolean(),
      namespace: name(),
      labels: labels(),
      annotations: annotations(),
    }),
  }),
  // Helm hands it to a chart that another one depends on.
  global: z.record(z.string(), z.unknown()).meta({ kubernetes: true }),
});
