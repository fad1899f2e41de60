import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { helmVersions } from '../../sandbox/cluster/helm.runner.js';
import { CHART, ChartLab, at, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';
import { RenderedMatrix, podsOf } from '../support/chart.matrix.js';
import { EVERY_SECTION, HARDENED, MATRIX } from '../support/chart.values.js';
import { typeMistakes } from '../support/kubernetes.types.js';

/** Kinds that are of the cluster and so in no namespace. */
const OF_CLUSTER =
  /^(ClusterRole|ClusterRoleBinding|ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding)$/;

let lab: ChartLab;
let rendered: RenderedMatrix;
beforeAll(async () => {
  lab = await ChartLab.start();
  rendered = await RenderedMatrix.by(lab);
});
afterAll(() => lab[Symbol.asyncDispose]());

const of = (name: string): Manifest[] => rendered.of(name);
const all = (): Manifest[] => rendered.all();

describe('what the chart renders', () => {
  test('is of Kubernetes’ own types, field by field, whatever the values', () => {
    expect(typeMistakes(all())).toEqual([]);
  });

  test('would be refused by them where a field is unknown, missing or of another kind', () => {
    const broken = (path: readonly string[], value: unknown): Manifest => {
      const copy = structuredClone(the(of('default'), 'Deployment'));
      const place = at(copy, ...path.slice(0, -1)) as Record<string, unknown>;
      place[path.at(-1) ?? ''] = value;
      return copy;
    };
    expect(typeMistakes([broken(['spec', 'replica'], 2)])[0]).toContain('"replica"');
    expect(typeMistakes([broken(['spec', 'selector'], undefined)])[0]).toContain('selector');
    expect(typeMistakes([broken(['spec', 'replicas'], 'two')])[0]).toContain("'string'");
    const route = structuredClone(the(of('hardened'), 'HTTPRoute'));
    Object.assign(at(route, 'spec') as object, { timeout: '0s' });
    expect(typeMistakes([route])[0]).toContain('"timeout"');
  });

  test('has each object once, with the usual labels, in a namespace unless it is the cluster’s', () => {
    for (const [name, objects] of rendered.sets) {
      const keys = objects.map(
        (it) => `${it.kind}/${it.metadata.namespace ?? ''}/${it.metadata.name}`,
      );
      expect(new Set(keys).size, name).toBe(keys.length);
      for (const { kind, metadata } of objects.filter(
        (it) =>
          !it.metadata.name.startsWith('hallpass-more') &&
          !it.metadata.name.startsWith('hallpass-text'),
      )) {
        expect(metadata.labels, `${name}: ${kind}`).toMatchObject({
          'app.kubernetes.io/instance': 'hallpass',
          'app.kubernetes.io/managed-by': 'Helm',
          'helm.sh/chart': expect.stringMatching(/^hallpass-/),
        });
        expect(metadata.namespace !== undefined, `${name}: ${kind}`).toBe(!OF_CLUSTER.test(kind));
      }
    }
  });

  test('finds its own Pods: every selector’s labels are on them', () => {
    for (const objects of rendered.sets.values()) {
      const pods = podsOf(objects);
      for (const it of objects) {
        const selector =
          at(it, 'spec', 'selector', 'matchLabels') ??
          at(it, 'spec', 'podSelector', 'matchLabels') ??
          (it.kind === 'Service' ? at(it, 'spec', 'selector') : undefined);
        if (!selector || it.kind === 'ServiceMonitor') continue;
        const found = pods.filter((pod) =>
          Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value),
        );
        expect(found.length, `${it.kind} ${it.metadata.name}`).toBe(1);
      }
    }
    const monitor = at(the(of('hardened'), 'ServiceMonitor'), 'spec', 'selector', 'matchLabels');
    const service = the(of('hardened'), 'Service', 'hallpass-management').metadata.labels;
    expect(service).toMatchObject(monitor as object);
  });

  test('is the same by Helm 3 and by both Helms 4', async () => {
    for (const version of helmVersions.slice(0, -1)) {
      await using other = await ChartLab.start(version);
      for (const values of [{}, { ...HARDENED, ...EVERY_SECTION }]) {
        const name = Object.keys(values).length === 0 ? 'default' : 'every section, hardened';
        expect(await other.render(values), version).toEqual(of(name));
      }
    }
  });

  test('passes lint without a warning, by each Helm', async () => {
    for (const version of helmVersions) {
      await using other = await ChartLab.start(version);
      const run = await other.helm.run([
        'lint',
        '--strict',
        CHART,
        '--values',
        `${CHART}/ci/default-values.yaml`,
      ]);
      expect(run.stdout, version).toContain('0 chart(s) failed');
      expect(run.stdout + run.stderr).not.toMatch(/\[(WARNING|ERROR)\]/);
    }
  });

  test('holds no key, password or random word: twice rendered it is the same', async () => {
    expect(await lab.render(MATRIX['every section, hardened'])).toEqual(
      of('every section, hardened'),
    );
    expect(all().filter((it) => it.kind === 'Secret')).toEqual([]);
  });
});
