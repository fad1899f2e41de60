import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkPodSecurity } from '../../sandbox/cluster/pod-security.js';
import { ChartLab, at, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';
import { RenderedMatrix, podsOf } from '../support/chart.matrix.js';

const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };

let lab: ChartLab;
let rendered: RenderedMatrix;
beforeAll(async () => {
  lab = await ChartLab.start();
  rendered = await RenderedMatrix.by(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const of = (name: string): Manifest[] => rendered.of(name);
const all = (): Manifest[] => rendered.all();

describe('the Pods', () => {
  test('are let in where the restricted Pod Security Standard is enforced', () => {
    for (const [name, objects] of rendered.sets) {
      const pods = podsOf(objects);
      expect(pods.length, name).toBeGreaterThan(0);
      for (const pod of pods) expect(checkPodSecurity(RESTRICTED, pod), name).toBeUndefined();
    }
  });

  test('would not be where one right more were asked for', () => {
    const [pod] = podsOf(of('default'));
    const container = pod?.spec.containers[0];
    if (!pod || !container) throw new Error('there is no Pod');
    container.securityContext = { ...container.securityContext, allowPrivilegeEscalation: true };
    expect(checkPodSecurity(RESTRICTED, pod)).toBeDefined();
  });

  test('write nowhere but to /tmp, and see no variables of other Services', () => {
    for (const pod of podsOf(all())) {
      expect(pod.spec).toMatchObject({ enableServiceLinks: false });
      for (const { securityContext } of pod.spec.containers) {
        expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true });
      }
      const writable = at(pod.spec, 'containers', 0, 'volumeMounts') as {
        readOnly?: boolean;
        mountPath: string;
      }[];
      const paths = writable.filter((it) => it.readOnly !== true).map((it) => it.mountPath);
      expect(paths.filter((path) => path !== '/mnt/more')).toEqual(['/tmp']);
    }
  });

  test('have a token of the cluster only where a cluster is inCluster, and migrations never', () => {
    const token = (name: string, kind: string) =>
      at(the(of(name), kind), 'spec', 'template', 'spec', 'automountServiceAccountToken');
    expect(token('default', 'Deployment')).toBe(true);
    expect(token('another cluster only', 'Deployment')).toBe(false);
    expect(token('default', 'Job')).toBe(false);
    for (const it of all().filter(({ kind }) => kind === 'ServiceAccount')) {
      expect(at(it, 'automountServiceAccountToken')).toBe(false);
    }
  });

  test('are replaced one by one, ended slowly, and never all drained at once', () => {
    const objects = of('default');
    const deployment = the(objects, 'Deployment');
    expect(at(deployment, 'spec', 'replicas')).toBe(2);
    expect(at(deployment, 'spec', 'strategy', 'rollingUpdate')).toEqual({
      maxSurge: 1,
      maxUnavailable: 0,
    });
    const pod = at(deployment, 'spec', 'template', 'spec');
    expect(at(pod, 'containers', 0, 'lifecycle', 'preStop', 'sleep', 'seconds')).toBe(10);
    expect(at(pod, 'terminationGracePeriodSeconds')).toBe(60);
    expect(at(pod, 'topologySpreadConstraints', 1)).toMatchObject({
      topologyKey: 'kubernetes.io/hostname',
      labelSelector: { matchLabels: at(deployment, 'spec', 'selector', 'matchLabels') },
    });
    expect(at(the(objects, 'PodDisruptionBudget'), 'spec')).toMatchObject({
      maxUnavailable: 1,
      // What is not ready, as all are while the database is away, keeps no node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
    expect(at(pod, 'containers', 0, 'readinessProbe', 'httpGet')).toEqual({
      path: '/readyz',
      port: 'management',
    });
    expect(at(pod, 'containers', 0, 'livenessProbe', 'httpGet')).toEqual({
      path: '/healthz',
      port: 'management',
    });
  });

  test('share their processes with what others put into them only where that is wanted', () => {
    const shared = (name: string, kind: string) =>
      at(the(of(name), kind), 'spec', 'template', 'spec', 'shareProcessNamespace');
    expect(shared('default', 'Deployment')).toBeUndefined();
    expect(shared('what Pods can have', 'Deployment')).toBe(true);
    // Migrations run no plugins.
    expect(shared('what Pods can have', 'Job')).toBeUndefined();
  });

  test('are spread by the labels that a constraint names, where it names some', async () => {
    const labelSelector = { matchLabels: { tier: 'doors' } };
    const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' };
    const topologySpreadConstraints = [{ ...constraint, labelSelector }];
    const pod = the(await lab.render({ topologySpreadConstraints }), 'Deployment');
    expect(at(pod, 'spec', 'template', 'spec', 'topologySpreadConstraints')).toEqual(
      topologySpreadConstraints,
    );
  });

  test('wait before they end without a shell where Kubernetes cannot sleep for them', async () => {
    const objects = await lab.render({}, ['--kube-version', '1.29.0']);
    const preStop = at(
      the(objects, 'Deployment'),
      'spec',
      'template',
      'spec',
      'containers',
      0,
      'lifecycle',
      'preStop',
    );
    expect(preStop).toEqual({ exec: { command: ['node', '-e', 'setTimeout(() => {}, 10000)'] } });
  });

  test('run the image by its digest where there is one', () => {
    const image = (name: string) =>
      at(the(of(name), 'Deployment'), 'spec', 'template', 'spec', 'containers', 0, 'image');
    expect(image('default')).toBe('registry.example.com/hallpass:0.1.0');
    expect(image('hardened')).toMatch(
      /^registry\.example\.com\/hallpass:0\.1\.0@sha256:[0-9a-f]{64}$/,
    );
  });

  test('are others where the configuration is another', () => {
    const sum = (name: string) =>
      at(
        the(of(name), 'Deployment'),
        'spec',
        'template',
        'metadata',
        'annotations',
        'checksum/config',
      );
    expect(sum('default')).toMatch(/^[0-9a-f]{64}$/);
    expect(sum('every section')).not.toBe(sum('default'));
    expect(sum('an Ingress of nginx')).toBe(sum('default'));
  });
});

describe('migrations', () => {
  test('have an environment of their own, and not that of what serves', () => {
    const objects = of('what Pods can have');
    const names = (kind: string) =>
      (at(the(objects, kind), 'spec', 'template', 'spec', 'containers', 0, 'env') as object[]).map(
        (it) => at(it, 'name'),
      );
    expect(names('Job')).toEqual(['HALLPASS_CONFIG', 'NODE_EXTRA_CA_CERTS']);
    expect(names('Deployment')).toEqual(['HALLPASS_CONFIG', 'HTTPS_PROXY']);
  });

  test('run before everything, as the owner of the tables, whose password nothing that serves can read', () => {
    const objects = of('default');
    const job = the(objects, 'Job');
    const account = the(objects, 'ServiceAccount', 'hallpass-migrate');
    const reach = the(objects, 'NetworkPolicy', 'hallpass-migrate');
    const config = the(objects, 'ConfigMap', 'hallpass-migrate');
    for (const { metadata } of [job, account, reach, config]) {
      expect(metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    }
    const weight = ({ metadata }: Manifest) =>
      Number(metadata.annotations?.['helm.sh/hook-weight']);
    expect(weight(account)).toBeLessThan(weight(job));
    expect(weight(reach)).toBeLessThan(weight(job));
    expect(weight(config)).toBeLessThan(weight(job));
    expect(at(job, 'spec', 'template', 'spec', 'serviceAccountName')).toBe('hallpass-migrate');
    expect(JSON.stringify(job)).toContain('"hallpass-database-owner"');
    expect(JSON.stringify(the(objects, 'Deployment'))).not.toContain('hallpass-database-owner');
    expect(JSON.stringify(job)).not.toContain('"hallpass-database"');
  });
});
