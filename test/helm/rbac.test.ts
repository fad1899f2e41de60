import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChartLab, at, manifestsOf, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';

let lab: ChartLab;
beforeAll(async () => {
  lab = await ChartLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** The parts that are wanted only by some, and the file of deploy/ that says what each takes. */
const PARTS = {
  evict: 'deploy/rbac-evict.yaml',
  logs: 'deploy/rbac-logs.yaml',
  portForward: 'deploy/rbac-portforward.yaml',
} as const;

async function documented(path: string): Promise<unknown[]> {
  const role = the(manifestsOf(await readFile(path, 'utf8')), 'Role');
  return at(role, 'rules') as unknown[];
}

/** What an object grants, to whom and where. */
const shown = (it: Manifest) => ({
  kind: it.kind,
  name: it.metadata.name,
  namespace: it.metadata.namespace,
  rules: at(it, 'rules'),
  roleRef: at(it, 'roleRef'),
  subjects: at(it, 'subjects'),
});

const rulesOf = (objects: readonly Manifest[], kind: string): unknown =>
  at(
    objects.find((it) => it.kind === kind),
    'rules',
  );

const local = (...namespaces: string[]) => ({
  config: { clusters: [{ name: 'local', inCluster: true, namespaces }] },
});

describe('what the chart grants', () => {
  test('is what deploy/rbac.yaml grants, in a Role for each namespace', async () => {
    const objects = await lab.render(local('shop', 'pay', 'shop'));
    const roles = objects.filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['shop', 'pay']);
    for (const role of roles)
      expect(at(role, 'rules')).toEqual(await documented('deploy/rbac.yaml'));
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
    for (const binding of objects.filter(({ kind }) => kind === 'RoleBinding')) {
      expect(at(binding, 'roleRef')).toMatchObject({ kind: 'Role', name: 'hallpass' });
      expect(at(binding, 'subjects')).toEqual([
        { kind: 'ServiceAccount', name: 'hallpass', namespace: 'hallpass' },
      ]);
    }
  });

  test.each(Object.entries(PARTS))(
    'has with rbac.%s what %s grants besides, and not without',
    async (part, path) => {
      const objects = await lab.render({ ...local('shop'), rbac: { [part]: true } });
      const base = await documented('deploy/rbac.yaml');
      expect(rulesOf(objects, 'Role')).toEqual([...base, ...(await documented(path))]);
    },
  );

  test('is the same in one ClusterRole where the scope is the cluster, and then patterns are taken', async () => {
    const every = { scope: 'cluster', evict: true, logs: true, portForward: true };
    const objects = await lab.render({ ...local('team-*'), rbac: every });
    const files = ['deploy/rbac.yaml', ...Object.values(PARTS)];
    expect(rulesOf(objects, 'ClusterRole')).toEqual(
      (await Promise.all(files.map(documented))).flat(),
    );
    expect(objects.filter(({ kind }) => kind === 'Role')).toEqual([]);
    expect(at(the(objects, 'ClusterRoleBinding'), 'roleRef', 'name')).toBe('hallpass');
  });

  const IMPERSONATE = {
    classic: 'deploy/rbac-impersonate.yaml',
    constrained: 'deploy/rbac-impersonate-constrained.yaml',
  } as const;

  test.each(Object.entries(IMPERSONATE))(
    'takes what acting in people’s names takes, by rbac.impersonate: %s',
    async (impersonate, path) => {
      const rbac = { impersonate, logs: true, portForward: true };
      const clusters = [{ name: 'local', inCluster: true, namespaces: ['shop'], impersonate: {} }];
      const objects = await lab.render({ config: { clusters }, rbac });
      // What it does in others' names it needs no longer do in its own.
      const own = await documented('deploy/rbac.yaml');
      const adding = (it: unknown) => at(it, 'resources', 0) === 'pods/ephemeralcontainers';
      expect(own.filter(adding)).toHaveLength(1);
      expect(at(the(objects, 'Role', 'hallpass'), 'rules')).toEqual(
        own.filter((it) => !adding(it)),
      );
      expect(at(the(objects, 'RoleBinding', 'hallpass-sessions'), 'subjects')).toEqual([
        { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'hallpass:sessions' },
      ]);
      if (!existsSync(path)) return;
      const wanted = manifestsOf(await readFile(path, 'utf8'));
      const byName = (a: { kind: string; name: string }, b: { kind: string; name: string }) =>
        `${a.kind}${a.name}` < `${b.kind}${b.name}` ? -1 : 1;
      const named = objects.filter(({ metadata }) =>
        /-(impersonate|sessions)$/.test(metadata.name),
      );
      expect(named.map(shown).sort(byName)).toEqual(wanted.map(shown).sort(byName));
    },
  );

  test('is nothing where no cluster is inCluster, where no namespace is named, or where it is not to', async () => {
    const far = { config: { clusters: [{ name: 'far', kubeconfig: '/a', namespaces: ['shop'] }] } };
    for (const values of [far, local(), { ...local('shop'), rbac: { create: false } }]) {
      const objects = await lab.render(values);
      expect(objects.filter(({ kind }) => kind.includes('Role'))).toEqual([]);
    }
  });

  test('goes to the account that the Pods have, whatever it is called', async () => {
    const objects = await lab.render({
      ...local('shop'),
      serviceAccount: { create: false, name: 'mine' },
    });
    expect(at(the(objects, 'RoleBinding'), 'subjects', 0, 'name')).toBe('mine');
    expect(at(the(objects, 'Deployment'), 'spec', 'template', 'spec', 'serviceAccountName')).toBe(
      'mine',
    );
    expect(
      objects.some(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === 'mine'),
    ).toBe(false);
  });
});
