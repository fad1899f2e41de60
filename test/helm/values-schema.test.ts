import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { readValues } from '../../scripts/chart.comments.js';
import type { Schema } from '../../scripts/chart.schema.js';
import { valuesSchema } from '../../scripts/chart.schema.js';
import { CHART, at } from '../support/chart.lab.js';

describe('the schema of the values', () => {
  const schema = JSON.parse(valuesSchema()) as Schema;

  test('is closed everywhere but for labels and the like, and what is Kubernetes’ own', () => {
    const open: string[] = [];
    const look = (it: Schema, path: string): void => {
      const isObject = it.type === 'object' || it.properties !== undefined;
      const isMap =
        typeof it.additionalProperties === 'object' &&
        Object.keys(it.additionalProperties).length > 0;
      if (isObject && it.additionalProperties !== false && !isMap) open.push(path);
      for (const [name, child] of Object.entries(it.properties ?? {}))
        look(child, `${path}.${name}`);
      if (it.items) look(it.items, `${path}[]`);
      for (const one of it.anyOf ?? []) look(one, path);
    };
    look(schema, '');
    expect(open.filter((path) => !/\.(peers|api|metrics|extra)\[\]$/.test(path))).toEqual(
      KUBERNETES,
    );
  });

  test('bounds every text, number and list that is not Kubernetes’ own', () => {
    const unbounded: string[] = [];
    const look = (it: Schema, path: string): void => {
      const isBounded = [
        'enum',
        'const',
        'pattern',
        'maxLength',
        'maximum',
        'maxItems',
        'format',
      ].some((key) => it[key] !== undefined);
      if (typeof it.type === 'string' && /^(string|integer|array)$/.test(it.type) && !isBounded)
        unbounded.push(path);
      for (const [name, child] of Object.entries(it.properties ?? {}))
        look(child, `${path}.${name}`);
      if (it.items) look(it.items, `${path}[]`);
    };
    look(schema, '');
    expect(unbounded.filter((path) => !path.startsWith('.config.'))).toEqual([]);
  });

  test('knows every value of values.yaml, and says what it is', () => {
    for (const { path, comment } of readValues()) {
      // What is Kubernetes' own is not in the schema.
      if (/^(pod|container)SecurityContext\./.test(path)) continue;
      const known = at(schema, ...path.split('.').flatMap((step) => ['properties', step]));
      expect(known, path).toBeDefined();
      if (comment !== '')
        expect(at(known, 'description'), path).toEqual(expect.stringMatching(/\.$/));
    }
  });

  test('has no value that values.yaml does not have, but those that Helm hands down', () => {
    const rows = new Set(readValues().map(({ path }) => path));
    const missing: string[] = [];
    const look = (it: Schema, path: string): void => {
      for (const [name, child] of Object.entries(it.properties ?? {})) {
        const below = path === '' ? name : `${path}.${name}`;
        if (!rows.has(below)) missing.push(below);
        else if (readValues().find((row) => row.path === below)?.isGroup) look(child, below);
      }
    };
    look(schema, '');
    expect(
      missing.filter((path) => !path.startsWith('config.') && !path.endsWith('.existingConfigMap')),
    ).toEqual(['global']);
  });
});

describe('Chart.yaml', () => {
  test('is of the version that it installs, and says so to Artifact Hub', async () => {
    const chart: unknown = parse(await readFile(`${CHART}/Chart.yaml`, 'utf8'));
    expect(at(chart, 'appVersion')).toBe(packageJson.version);
    expect(at(chart, 'annotations')).toMatchObject({
      'artifacthub.io/category': 'security',
      'artifacthub.io/license': packageJson.license,
    });
    const changes = parse(at(chart, 'annotations', 'artifacthub.io/changes') as string) as unknown;
    expect(at(changes, 0, 'kind')).toMatch(/^(added|changed|deprecated|removed|fixed|security)$/);
  });
});

describe('values.yaml', () => {
  test('has a comment for every value', () => {
    const without = readValues().filter(({ comment }) => comment === '');
    // What is above them says it, for all of their keys.
    expect(without.filter(({ isGroup }) => !isGroup).map(({ path }) => path)).toEqual([]);
  });

  test('is told of in the README, value by value', async () => {
    const readme = await readFile(`${CHART}/README.md`, 'utf8');
    for (const { path, comment } of readValues()) {
      if (comment !== '') expect(readme).toContain(`\`${path}\``);
    }
  });
});

/** Where Kubernetes’ own types hold. */
const KUBERNETES = [
  '.migrations.extraEnv[].valueFrom',
  '.topologySpreadConstraints[]',
  '.tolerations[]',
  '.affinity',
  '.podSecurityContext',
  '.containerSecurityContext',
  '.extraEnv[].valueFrom',
  '.extraVolumes[]',
  '.extraVolumeMounts[]',
  '.extraObjects[]',
  '.gateway.parentRefs[]',
  '.global',
];
