import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readValues } from '../../scripts/chart.comments.js';
import { helmVersions } from '../../sandbox/cluster/helm.runner.js';
import { CHART, ChartLab } from '../support/chart.lab.js';
import { valuesAt } from '../support/chart.values.js';

let lab: ChartLab;
beforeAll(async () => {
  lab = await ChartLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

const DEFAULTS = `${CHART}/ci/default-values.yaml`;
const cluster = (over: object) => ({ config: { clusters: [{ name: 'a', ...over }] } });

/** Values that are wrong, where Helm says that they are, and what it says. */
const WRONG: readonly (readonly [what: string, values: object, says: string])[] = [
  [
    'a value that is not known',
    { replica: 2 },
    "at '': additional properties 'replica' not allowed",
  ],
  ['one of another kind', { replicas: 'two' }, "at '/replicas': got string, want integer"],
  ['no replica', { replicas: 0 }, "at '/replicas': minimum: got 0, want 1"],
  ['too many', { replicas: 51 }, "at '/replicas': maximum: got 51, want 50"],
  ['a list for a map', { image: [] }, "at '/image': got array, want object"],
  ['a digest that is none', { image: { digest: 'sha256:abc' } }, "at '/image/digest'"],
  ['a tag with a digest in it', { image: { tag: 'a@b' } }, "at '/image/tag'"],
  ['a mode that is none', { lockdown: { mode: 'on' } }, "must be one of 'off', 'audit', 'enforce'"],
  ['a scope that is none', { rbac: { scope: 'all' } }, "must be one of 'namespaces', 'cluster'"],
  [
    'an address for a range',
    { networkPolicy: { egress: { s3: { cidrs: ['10.0.0.1'] } } } },
    "at '/networkPolicy/egress/s3/cidrs/0'",
  ],
  ['a port that is none', { service: { port: 0 } }, "at '/service/port': minimum: got 0, want 1"],
  ['a name that is none', { fullnameOverride: 'No' }, "at '/fullnameOverride'"],
  ['a name that no Service can have', { fullnameOverride: 'a.b' }, "at '/fullnameOverride'"],
  ['a tag in the repository', { image: { repository: 'a.b/c:1' } }, "at '/image/repository'"],
  ['an address for a host', { ingress: { host: 'https://a.b' } }, "at '/ingress/host'"],
  ['a host in capitals', { gateway: { hostnames: ['A.b'] } }, "at '/gateway/hostnames/0'"],
  [
    'a name of a certificate that is none',
    { tls: { certificate: { dnsNames: ['a b'] } } },
    "at '/tls/certificate/dnsNames/0'",
  ],
  [
    'a time with more digits than a Gateway reads',
    { gateway: { requestTimeout: '604800s' } },
    "at '/gateway/requestTimeout'",
  ],
  [
    'a duration that is none',
    { metrics: { serviceMonitor: { interval: 'soon' } } },
    "at '/metrics/serviceMonitor/interval'",
  ],
  [
    'a document without an ending',
    { policies: { documents: { a: '' } } },
    "'a' does not match pattern '^[A-Za-z0-9]",
  ],
  [
    'a document that is no text',
    { policies: { documents: { 'a.yaml': {} } } },
    'got object, want string',
  ],
  [
    'an alert of others',
    { metrics: { prometheusRule: { disabled: ['KubePodCrashLooping'] } } },
    "at '/metrics/prometheusRule/disabled/0'",
  ],
  [
    'a key of the configuration that is not known',
    { config: { servers: {} } },
    "at '/config': additional properties 'servers' not allowed",
  ],
  [
    'a password',
    { config: { database: { url: 'postgresql://a:b@c/d' } } },
    "at '/config/database': additional properties 'url' not allowed",
  ],
  [
    'a secret key',
    { config: { recordings: { s3: { secretAccessKey: 'x' } } } },
    "additional properties 'secretAccessKey' not allowed",
  ],
  [
    'the password of the owner',
    { config: { database: { ownerUrlFile: '/a' } } },
    "additional properties 'ownerUrlFile' not allowed",
  ],
  [
    'a port that the chart sets',
    { config: { server: { port: 8443 } } },
    "at '/config/server': additional properties 'port' not allowed",
  ],
  [
    'folders that the chart sets',
    { config: { policies: { folders: ['/a'] } } },
    "at '/config': additional properties 'policies' not allowed",
  ],
  [
    'a file that is neither',
    { config: { database: { urlFile: 3 } } },
    'got number, want string or object',
  ],
  [
    'a Secret without a key',
    cluster({ kubeconfig: { existingSecret: 'a' } }),
    "missing property 'key'",
  ],
  ['a key of nothing', cluster({ kubeconfig: { key: 'a' } }), "at '/config/clusters/0/kubeconfig'"],
  [
    'both a Secret and a ConfigMap',
    cluster({ kubeconfig: { existingSecret: 'a', existingConfigMap: 'b', key: 'c' } }),
    "at '/config/clusters/0/kubeconfig'",
  ],
  [
    'a key that leads out',
    cluster({ kubeconfig: { existingSecret: 'a', key: '../b' } }),
    "at '/config/clusters/0/kubeconfig/key'",
  ],
  [
    'a key that no Secret can have',
    cluster({ kubeconfig: { existingSecret: 'a', key: '..b' } }),
    "at '/config/clusters/0/kubeconfig/key'",
  ],
  [
    'an issuer without audience',
    { config: { identity: { issuers: [{ issuer: 'https://a.b' }] } } },
    "missing property 'audience'",
  ],
  [
    'an algorithm with a shared key',
    {
      config: {
        identity: { issuers: [{ issuer: 'https://a.b', audience: 'c', algorithms: ['HS256'] }] },
      },
    },
    "at '/config/identity/issuers/0/algorithms/0'",
  ],
  [
    'a bound that is too high',
    { config: { sessions: { workers: 5000 } } },
    'maximum: got 5,000, want 1,024',
  ],
  [
    'a public URL with a slash',
    { config: { server: { publicUrl: 'https://a.b/' } } },
    "at '/config/server/publicUrl'",
  ],
  [
    'no image of your own',
    { image: { repository: '' } },
    'image.repository is missing: give the place that you pushed the image to',
  ],
  [
    'no public URL',
    { config: { server: { publicUrl: '' } } },
    'config.server.publicUrl is missing: give the address',
  ],
  [
    'no issuer',
    { config: { identity: { issuers: [] } } },
    'config.identity.issuers is empty: name one issuer',
  ],
  ['no cluster', { config: { clusters: [] } }, 'config.clusters is empty: name one cluster'],
  [
    'no key for the log',
    { config: { audit: { keyFiles: [] } } },
    'config.audit.keyFiles is empty: name one key',
  ],
  [
    'no database',
    { config: { database: { urlFile: null } } },
    'config.database.urlFile is missing: name the Secret',
  ],
  [
    'nobody who serves',
    { config: { database: { serviceUser: null } } },
    'config.database.serviceUser is missing',
  ],
  ['a cluster that is nowhere', cluster({}), 'a has neither inCluster nor kubeconfig'],
  [
    'a cluster that is twice',
    cluster({ inCluster: true, kubeconfig: '/a' }),
    'a has both inCluster and kubeconfig',
  ],
  [
    'this cluster twice',
    {
      config: {
        clusters: [
          { name: 'a', inCluster: true },
          { name: 'b', inCluster: true },
        ],
      },
    },
    'inCluster: true more than once',
  ],
  [
    'a cluster of the name of another',
    {
      config: {
        clusters: [
          { name: 'a', inCluster: true },
          { name: 'a', kubeconfig: '/a' },
        ],
      },
    },
    'config.clusters[].name is a twice',
  ],
  [
    'an issuer that is trusted already',
    {
      config: {
        identity: { issuers: ['b', 'c'].map((audience) => ({ issuer: 'https://a', audience })) },
      },
    },
    'config.identity.issuers[].issuer is https://a twice',
  ],
  [
    'a Role for a pattern',
    cluster({ inCluster: true, namespaces: ['team-*'] }),
    'has the pattern "team-*", but rbac.scope is namespaces',
  ],
  [
    'sessions in people’s names without the right to it',
    cluster({ inCluster: true, impersonate: {} }),
    'config.clusters has impersonate, but rbac.impersonate is none',
  ],
  [
    'the right to people’s names for nothing',
    { rbac: { impersonate: 'classic' } },
    'rbac.impersonate is classic, but no cluster of config.clusters that is inCluster has',
  ],
  [
    'a variable that is no name',
    { lockdown: { limits: { env: ['date +%s'] } } },
    "at '/lockdown/limits/env/0'",
  ],
  [
    'an exception for everybody',
    { lockdown: { exceptGroups: ['system:authenticated'] } },
    'lockdown.exceptGroups has system:authenticated, which everybody is in',
  ],
  [
    'authorities from two places',
    { trustedCa: { existingConfigMap: 'a', existingSecret: 'b' } },
    'trustedCa names both the ConfigMap a and the Secret b',
  ],
  ...[
    { extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/a' }] },
    { migrations: { extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/a' }] } },
  ].map((env): [string, object, string] => [
    `authorities that are named twice, the second time in ${Object.keys(env).join()}`,
    { trustedCa: { existingConfigMap: 'a' }, ...env },
    'Node reads one file. Leave the variable to trustedCa',
  ]),
  [
    'no time to end',
    { preStopSleepSeconds: 60 },
    'terminationGracePeriodSeconds (60) must be above preStopSleepSeconds (60)',
  ],
  [
    'a certificate that is to be renewed before it was made',
    {
      tls: {
        enabled: true,
        certificate: { enabled: true, issuerRef: { name: 'ca' }, duration: '24h' },
      },
    },
    'tls.certificate.renewBefore (720h) must be below tls.certificate.duration (24h)',
  ],
  [
    'a drain that is longer than the grace',
    { config: { server: { drainSeconds: 60 } } },
    'config.server.drainSeconds (60) must be below config.server.graceSeconds (',
  ],
  [
    'a grace that is longer than the Pod has',
    { config: { server: { graceSeconds: 120 } } },
    'and config.server.graceSeconds (120) together',
  ],
  [
    'TLS of nothing',
    { tls: { enabled: true } },
    'name a Secret in tls.existingSecret, or let cert-manager',
  ],
  [
    'a certificate of nobody',
    { tls: { certificate: { enabled: true } } },
    'tls.certificate.issuerRef.name is missing',
  ],
  [
    'a path that nothing takes off',
    { ingress: { enabled: true, path: '/hallpass' } },
    'ingress.path is /hallpass: Hallpass is served at the root of its host',
  ],
  ...['https://192.0.2.7:8443', 'https://[2001:db8::7]'].map(
    (publicUrl): [string, object, string] => [
      `an address in place of a name (${publicUrl})`,
      { ingress: { enabled: true }, config: { server: { publicUrl } } },
      'an Ingress and an HTTPRoute are for names in DNS',
    ],
  ),
  ...[
    { ingress: { enabled: true } },
    { gateway: { enabled: true, parentRefs: [{ name: 'a' }] } },
  ].map((way): [string, object, string] => [
    `an address below a path, by ${Object.keys(way).join()}`,
    { ...way, config: { server: { publicUrl: 'https://example.com/hallpass' } } },
    'config.server.publicUrl has the path /hallpass: Hallpass is served at the root of its host',
  ]),
  ['a route to no Gateway', { gateway: { enabled: true } }, 'gateway.parentRefs is empty'],
  [
    'a monitor of no Service',
    { metrics: { service: false, serviceMonitor: { enabled: true } } },
    'metrics.service must be true as well',
  ],
  [
    'a monitor that is kept out',
    { metrics: { serviceMonitor: { enabled: true } } },
    'networkPolicy.ingress.metrics names nobody: Prometheus could not reach',
  ],
  [
    'a way out to anybody',
    { networkPolicy: { egress: { database: { cidrs: [] } } } },
    'networkPolicy.egress.database names nobody',
  ],
  [
    'a way out on any port',
    { networkPolicy: { egress: { database: { ports: [] } } } },
    'networkPolicy.egress.database.ports is empty',
  ],
];

/** What stands for a value that takes no objects, and for one that takes nothing else. */
const wrongFor = (fallback: unknown): unknown =>
  typeof fallback === 'object' && fallback !== null && !Array.isArray(fallback)
    ? 'wrong'
    : { wrong: true };

/** What is in them is Kubernetes' own, and the API server's to refuse. */
const KUBERNETES: ReadonlySet<string> = new Set(['podSecurityContext', 'containerSecurityContext']);

/** A file in which every value is wrong that is not a group of others. */
function allWrong(): { readonly values: object; readonly paths: readonly string[] } {
  const wrong = new Map<string, unknown>();
  for (const { path, fallback, isGroup } of readValues()) {
    const isBelow = [...wrong.keys()].some((it) => path.startsWith(`${it}.`));
    if ((isGroup && !KUBERNETES.has(path)) || isBelow) continue;
    wrong.set(path, wrongFor(fallback));
  }
  return { values: valuesAt(wrong), paths: [...wrong.keys()] };
}

/** Groups and single values, by how deep they are: what the templates cannot do without. */
function needed(): ReadonlyMap<number, readonly string[]> {
  const paths = readValues()
    .filter(({ fallback, isGroup }) => isGroup || typeof fallback !== 'object')
    .map(({ path }) => path)
    .filter((path) => !/^(config\b|(pod|container)SecurityContext\.)/.test(path))
    .concat('config', 'config.server', 'config.server.publicUrl')
    .concat('config.database', 'config.identity', 'config.audit');
  return Map.groupBy(paths, (path) => path.split('.').length);
}

describe('wrong values', () => {
  test('are named every one of them, in one run, where every value of the file is wrong', async () => {
    const { values, paths } = allWrong();
    const said = await lab.refusal(values);
    expect(paths.length).toBeGreaterThan(100);
    expect(paths.filter((path) => !said.includes(`at '/${path.replaceAll('.', '/')}`))).toEqual([]);
  });

  test.each([...needed()])(
    'are keys with nothing behind them, as where all below is a comment: %i deep',
    async (_, paths) => {
      const said = await lab.refusal(valuesAt(paths.map((path) => [path, null])));
      const missing = new Set(
        [...said.matchAll(/at '([^']*)': missing propert(?:y|ies) (.*)/g)].flatMap(
          ([, at = '', names = '']) =>
            [...names.matchAll(/'([^']+)'/g)].map(([, name]) => `${at}/${name}`),
        ),
      );
      expect(paths.filter((path) => !missing.has(`/${path.replaceAll('.', '/')}`))).toEqual([]);
    },
  );

  test('are names of the release that no Service can have', async () => {
    for (const name of ['my.release', '1st']) {
      const run = await lab.helm.run(['template', name, CHART, '--values', DEFAULTS]);
      expect(run.stderr, name).toContain('which no Service can be called');
    }
  });

  test('are tried for each section of values.yaml', () => {
    const sections = new Set(readValues().map(({ path }) => path.split('.')[0] ?? ''));
    const tried = new Set(allWrong().paths.map((path) => path.split('.')[0]));
    expect([...sections].filter((it) => !tried.has(it))).toEqual([]);
    expect(WRONG.length).toBeGreaterThan(40);
  });

  test.each(WRONG)('are refused, and Helm says where and why: %s', async (_, values, says) => {
    expect(await lab.refusal(values)).toContain(says);
  });

  test('are refused by each Helm', async () => {
    for (const version of helmVersions) {
      await using other = await ChartLab.start(version);
      for (const values of [
        { replica: 2 },
        { config: { database: { url: 'a' } } },
        { tls: { enabled: true } },
      ])
        expect(await other.refusal(values), version).not.toBe('taken');
    }
  });

  test('are refused in a sentence where nothing was said at all', async () => {
    expect(await lab.refusal({}, [])).toContain('image.repository is missing: give the place');
  });

  test('are refused where Kubernetes is too old for them', async () => {
    const old = (version: string) => ['--values', DEFAULTS, '--kube-version', version];
    expect(await lab.refusal({}, old('1.24.0'))).toContain('kubeVersion: >=1.25.0-0');
    const enforced = { lockdown: { mode: 'enforce' } };
    expect(await lab.refusal(enforced, old('1.29.0'))).toContain('needs Kubernetes 1.30');
    expect(await lab.refusal({}, old('1.25.0'))).toBe('taken');
  });

  test('are not those of an Ingress that there is not', async () => {
    const ingress = { path: '/hallpass' };
    expect(await lab.refusal({ ingress })).toBe('taken');
    const gateway = { enabled: true, parentRefs: [{ name: 'public' }] };
    expect(await lab.refusal({ ingress, gateway })).toBe('taken');
  });

  test('are not what YAML makes of a bare off', async () => {
    expect(await lab.refusal({ lockdown: { mode: false } })).toBe('taken');
  });
});
