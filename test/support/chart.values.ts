import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { readValues } from '../../scripts/chart.comments.js';

const secret = (name: string, key: string) => ({ existingSecret: name, key });
const slack = { teamId: 'T0123ABCD', mode: 'socket', securityChannel: 'C0123ABCD' };

/** The cluster that Hallpass runs in, where it acts in people's names. */
const IN_NAMES = { name: 'local', inCluster: true, namespaces: ['shop'], impersonate: {} };

const TLS = { enabled: true, existingSecret: 'mine' };

/** Everything of the configuration that names a file, or somewhere to go. */
export const EVERY_SECTION = {
  config: {
    server: {
      caFile: { existingConfigMap: 'company-ca', key: 'ca.pem' },
      trustProxy: ['10.0.0.0/8'],
    },
    database: { poolSize: 20 },
    identity: {
      issuers: [
        {
          issuer: 'https://login.example.com',
          audience: 'hallpass',
          web: { clientId: 'hallpass-web', clientSecretFile: secret('hallpass-web', 'secret') },
        },
      ],
    },
    clusters: [
      {
        name: 'local',
        inCluster: true,
        namespaces: ['shop', 'pay'],
        audit: {
          account: 'system:serviceaccount:hallpass:hallpass',
          tokenFile: secret('hallpass-audit-webhooks', 'local'),
        },
      },
      { name: 'far', kubeconfig: secret('hallpass-clusters', 'far'), namespaces: ['team-*'] },
    ],
    onCall: {
      secrets: [
        {
          name: 'pager',
          hosts: ['api.pagerduty.com'],
          valueFile: secret('hallpass-on-call', 'pager'),
        },
      ],
    },
    sessions: { pendingLapseSeconds: 2_592_000 },
    recordings: {
      store: 's3',
      s3: {
        bucket: 'recordings',
        accessKeyId: 'AKIAEXAMPLE',
        secretAccessKeyFile: secret('hallpass-s3', 'secret'),
      },
    },
    audit: {
      keyFiles: [secret('hallpass-audit-key', 'new'), secret('hallpass-audit-key', 'old')],
      anchors: [
        { name: 'vault', kind: 's3', s3: { bucket: 'anchors' }, retainDays: 400 },
        {
          name: 'witness',
          kind: 'webhook',
          url: 'https://witness.example.com/in',
          secretFile: secret('hallpass-witness', 'secret'),
        },
      ],
      sinks: [
        {
          name: 'siem',
          kind: 'splunk',
          url: 'https://splunk.example.com:8088',
          secretFile: secret('hallpass-siem', 'token'),
          caFile: { existingConfigMap: 'company-ca', key: 'ca.pem' },
        },
        { name: 'lines', kind: 'syslog', host: 'syslog.example.com' },
      ],
    },
    notifications: {
      channels: [
        {
          name: 'mail',
          kind: 'email',
          host: 'smtp.example.com',
          from: 'hallpass@example.com',
          to: ['security@example.com'],
          user: 'hallpass',
          secretFile: secret('hallpass-mail', 'password'),
        },
        { name: 'pager', kind: 'pagerduty', secretFile: secret('hallpass-on-call', 'routing') },
      ],
    },
    tracing: {
      otlp: {
        endpoint: 'https://otel.example.com:4318',
        headersFile: secret('hallpass-otlp', 'headers'),
        caFile: { existingConfigMap: 'company-ca', key: 'ca.pem' },
      },
      sampleRatio: 0.1,
    },
    slack: {
      ...slack,
      botTokenFile: secret('hallpass-slack', 'bot'),
      appTokenFile: secret('hallpass-slack', 'app'),
    },
  },
};

/** As a platform team that is asked hard questions has it. */
export const HARDENED = z
  .record(z.string(), z.unknown())
  .parse(parse(readFileSync('helm/hallpass/ci/hardened-values.yaml', 'utf8')));

/** Values by their paths, such as `image.tag`, as a values file has them. */
export function valuesAt(paths: Iterable<readonly [path: string, value: unknown]>): object {
  const values: Record<string, unknown> = {};
  for (const [path, value] of paths) {
    const steps = path.split('.');
    const last = steps.pop() ?? '';
    let into = values;
    for (const step of steps) into = (into[step] ??= {}) as Record<string, unknown>;
    into[last] = value;
  }
  return values;
}

/** What is empty where nothing stands behind its key. An egress that names nobody is refused instead. */
const lists = readValues()
  .filter(({ fallback, isGroup }) => typeof fallback === 'object' && !isGroup)
  .map(({ path }) => path)
  .filter(
    (path) => !/^(config|networkPolicy\.egress\.\w+|(pod|container)SecurityContext)\./.test(path),
  );

/** Each option on its own, over the least that must be said. */
export const MATRIX: Readonly<Record<string, object>> = {
  default: {},
  hardened: HARDENED,
  'every section': EVERY_SECTION,
  'every section, hardened': { ...HARDENED, ...EVERY_SECTION },
  'rights in the cluster': {
    rbac: { scope: 'cluster', evict: true, logs: true, portForward: true },
    config: { clusters: [{ name: 'local', inCluster: true, namespaces: ['team-*'] }] },
  },
  'in people’s names': {
    rbac: { impersonate: 'classic', logs: true },
    config: { clusters: [IN_NAMES] },
    lockdown: { mode: 'enforce' },
  },
  'in people’s names, constrained, in the cluster': {
    config: { clusters: [{ ...IN_NAMES, impersonate: { group: 'door:sessions' } }] },
    lockdown: { mode: 'enforce' },
    rbac: { impersonate: 'constrained', portForward: true, scope: 'cluster' },
  },
  'no rights': { rbac: { create: false }, serviceAccount: { create: false, name: 'mine' } },
  'another cluster only': {
    config: { clusters: [{ name: 'far', kubeconfig: secret('far', 'config'), namespaces: ['a'] }] },
  },
  'an Ingress of nginx': {
    ingress: { enabled: true, className: 'nginx', tlsSecret: 'tls', annotations: { a: 'b' } },
  },
  'an Ingress of nginx, to TLS': { ingress: { enabled: true }, tls: TLS },
  'an Ingress of HAProxy, to TLS': {
    ingress: { enabled: true, controller: 'haproxy' },
    tls: TLS,
  },
  'an Ingress of AWS, to TLS': { ingress: { enabled: true, controller: 'alb' }, tls: TLS },
  'an Ingress of Google, to TLS': { ingress: { enabled: true, controller: 'gce' }, tls: TLS },
  'a Gateway that knows the Pods by its system': {
    gateway: { enabled: true, parentRefs: [{ name: 'public' }], backendCa: 'System' },
    tls: TLS,
  },
  'an Ingress of HAProxy': { ingress: { enabled: true, controller: 'haproxy' } },
  'an Ingress of AWS': { ingress: { enabled: true, controller: 'alb', timeoutSeconds: 36_000 } },
  'an Ingress of another': {
    ingress: { enabled: true, controller: 'other', host: 'h.example.com' },
  },
  'a load balancer': {
    service: {
      type: 'LoadBalancer',
      loadBalancerIP: '10.0.0.9',
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      annotations: { 'example.com/internal': 'true' },
    },
  },
  'TLS of its own': { tls: TLS },
  'authorities of a ConfigMap': { trustedCa: { existingConfigMap: 'company-ca', key: 'ca.pem' } },
  'authorities of a Secret': { trustedCa: { existingSecret: 'company-ca', key: 'ca.pem' } },
  'policies in the values': { policies: { documents: { 'a.yaml': 'kind: A\n' } } },
  'policies that are there': {
    policies: { documents: { 'a.yaml': 'kind: A\n' }, existingConfigMaps: ['team-a', 'team-b'] },
  },
  'no migrations, budget, policies of the network or metrics': {
    migrations: { enabled: false },
    podDisruptionBudget: { enabled: false },
    networkPolicy: { enabled: false },
    metrics: { service: false },
  },
  'a platform that chooses users': {
    podSecurityContext: { runAsUser: null, runAsGroup: null, fsGroup: null },
  },
  'own names': {
    fullnameOverride: 'door',
    nameOverride: 'keys',
    commonLabels: { team: 'platform' },
  },
  'what Pods can have': {
    deploymentAnnotations: { 'reloader.stakater.com/auto': 'true' },
    podAnnotations: { 'example.com/a': 'b' },
    podLabels: { 'example.com/c': 'd' },
    shareProcessNamespace: true,
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
    migrations: { extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/mnt/more/ca.pem' }] },
    extraVolumes: [{ name: 'more', emptyDir: {} }],
    extraVolumeMounts: [{ name: 'more', mountPath: '/mnt/more' }],
    nodeSelector: { pool: 'trusted' },
    tolerations: [{ key: 'trusted', operator: 'Exists', effect: 'NoSchedule' }],
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    podDisruptionBudget: { maxUnavailable: '50%' },
    topologySpreadConstraints: [],
    preStopSleepSeconds: 0,
    serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/x' } },
  },
  'objects of your own': {
    extraObjects: [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-more' } },
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-text\n',
    ],
  },
  'nothing behind the key of any list or map': valuesAt([
    ...lists.map((path) => [path, null] as const),
    ['ingress.enabled', true],
    ['tls.enabled', true],
    ['tls.certificate.enabled', true],
    ['tls.certificate.issuerRef.name', 'internal'],
    ['metrics.prometheusRule.enabled', true],
    ['metrics.dashboard.enabled', true],
    ['lockdown.mode', 'enforce'],
  ]),
  'the lock-down, watching': { lockdown: { mode: 'audit' } },
};
