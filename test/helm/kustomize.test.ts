import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderKustomize } from '../../scripts/kustomize.render.js';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { checkPodSecurity } from '../../sandbox/cluster/pod-security.js';
import { ChartLab, at, manifestsOf, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';
import { podsOf } from '../support/chart.matrix.js';
import { typeMistakes } from '../support/kubernetes.types.js';

const FOLDER = 'deploy/kustomize';
const OVERLAYS = ['eks', 'gke', 'aks', 'openshift'] as const;
/** Custom resources whose types nobody publishes in a form that can be held against. */
const WITHOUT_TYPES = new Set(['BackendConfig', 'Route', 'Cluster']);

let lab: ChartLab;
let kubectl: Kubectl;
beforeAll(async () => {
  lab = await ChartLab.start();
  kubectl = await Kubectl.with('');
});
afterAll(async () => {
  await kubectl.close();
  await lab[Symbol.asyncDispose]();
});

async function built(folder: string): Promise<Manifest[]> {
  const run = await kubectl.run(['kustomize', join(FOLDER, folder)]);
  if (run.exitCode !== 0) throw new Error(run.stderr);
  return manifestsOf(run.stdout);
}

const typed = (objects: readonly Manifest[]): Manifest[] =>
  objects.filter(({ kind }) => !WITHOUT_TYPES.has(kind));

/** What Helm adds for itself. */
function plain(it: Manifest): unknown {
  const copy = structuredClone(it);
  for (const metadata of [copy.metadata, at(copy, 'spec', 'template', 'metadata')]) {
    for (const under of ['labels', 'annotations']) {
      const map = at(metadata, under) as Record<string, unknown> | undefined;
      if (!map) continue;
      for (const key of Object.keys(map))
        if (/^(helm\.sh|checksum)\/|managed-by$/.test(key)) Reflect.deleteProperty(map, key);
      if (Object.keys(map).length === 0) Reflect.deleteProperty(metadata as object, under);
    }
  }
  return copy;
}

const sorted = (objects: readonly unknown[]): unknown[] =>
  [...objects].sort((a, b) => (JSON.stringify(named(a)) < JSON.stringify(named(b)) ? -1 : 1));
const named = (it: unknown) => [
  at(it, 'kind'),
  at(it, 'metadata', 'namespace'),
  at(it, 'metadata', 'name'),
];

describe('the plain manifests', () => {
  test('are what the chart renders: `npm run deploy:render` would change nothing', async () => {
    const made = await renderKustomize(lab.helm);
    for (const { path, text } of made) {
      expect(await readFile(path, 'utf8'), `${path}: run npm run deploy:render`).toBe(text);
    }
    for (const folder of ['base', 'migrations']) {
      const there = (await readdir(join(FOLDER, folder))).map((name) => join(FOLDER, folder, name));
      const paths = made
        .map(({ path }) => path)
        .filter((path) => path.startsWith(join(FOLDER, folder)));
      expect(there.sort()).toEqual(paths.sort());
    }
  });

  test('are object for object those of the chart, but for what only Helm has a use for', async () => {
    const objects = [...(await built('base')), ...(await built('migrations'))];
    expect(sorted(objects)).toEqual(sorted((await lab.render()).map(plain)));
  });

  test('have Secrets that only their owner and the group read, whichever YAML they are read by', async () => {
    const objects = [
      ...(await lab.render()),
      ...(await built('base')),
      ...(await built('migrations')),
    ];
    const modes = objects
      .flatMap((it) => (at(it, 'spec', 'template', 'spec', 'volumes') ?? []) as object[])
      .filter((it) => at(it, 'name') === 'secrets')
      .map((it) => at(it, 'projected', 'defaultMode'));
    // YAML 1.1, which Helm and kubectl read, has 0440 for 288; YAML 1.2, which the renderer reads, for 440 (0670).
    expect(modes).toEqual([0o440, 0o440, 0o440, 0o440]);
  });

  test.each(OVERLAYS)(
    'for %s are of Kubernetes’ own types, and their Pods restricted',
    async (name) => {
      const objects = await built(join('overlays', name));
      expect(typeMistakes(typed(objects))).toEqual([]);
      const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      for (const pod of podsOf(objects)) expect(checkPodSecurity(restricted, pod)).toBeUndefined();
      const base = await built('base');
      const kept = objects.filter((it) =>
        base.some((other) => JSON.stringify(named(other)) === JSON.stringify(named(it))),
      );
      expect(kept).toHaveLength(base.length);
    },
  );

  test('leave users and groups to OpenShift, in the migrations too', async () => {
    for (const [folder, kind] of [
      ['openshift', 'Deployment'],
      ['openshift/migrations', 'Job'],
    ] as const) {
      const objects = await built(join('overlays', folder));
      const context = at(the(objects, kind), 'spec', 'template', 'spec', 'securityContext');
      expect(context).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(typeMistakes(typed(objects))).toEqual([]);
    }
  });

  test('hold a terminal open on each platform as long as it lets them', async () => {
    const text = JSON.stringify(
      await Promise.all(OVERLAYS.map((name) => built(join('overlays', name)))),
    );
    for (const said of [
      'idle_timeout.timeout_seconds=4000',
      '"timeoutSec":28800',
      '"nginx.ingress.kubernetes.io/proxy-read-timeout":"3600"',
      '"haproxy.router.openshift.io/timeout-tunnel":"1h"',
    ])
      expect(text).toContain(said);
  });

  test('have an example of a database that can be read', async () => {
    const [cluster] = manifestsOf(await readFile('deploy/examples/cloudnative-pg.yaml', 'utf8'));
    expect(cluster).toMatchObject({ kind: 'Cluster', spec: { instances: 3 } });
  });
});
