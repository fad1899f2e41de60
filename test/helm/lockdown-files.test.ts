import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Helm } from '../../sandbox/cluster/helm.runner.js';
import { CHART, at, manifestsOf, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';

let helm: Helm;
let folder: string;
beforeAll(async () => {
  helm = await Helm.with();
  folder = await mkdtemp(join(tmpdir(), 'chart-'));
  await cp(CHART, folder, { recursive: true });
  await mkdir(join(folder, 'files', 'lockdown'), { recursive: true });
  await writeFile(
    join(folder, 'files', 'lockdown', 'zz-example.yaml'),
    [
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata:',
      '  name: {{ include "hallpass.fullname" . }}-example',
      'data:',
      '  mode: {{ include "hallpass.lockdownMode" . }}',
      '  except: {{ join "," .Values.lockdown.exceptGroups | quote }}',
      '',
    ].join('\n'),
  );
});
afterAll(async () => {
  await helm[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function rendered(...set: readonly string[]) {
  const values = ['--values', join(CHART, 'ci', 'default-values.yaml')];
  const run = await helm.run([
    'template',
    'hallpass',
    folder,
    ...values,
    ...set.flatMap((one) => [one.endsWith('[]') ? '--set-json' : '--set', one]),
  ]);
  if (run.exitCode !== 0) throw new Error(run.stderr);
  return manifestsOf(run.stdout);
}

test('every file of the lock-down kit is rendered as a template, whatever it is called', async () => {
  const objects = await rendered('lockdown.mode=enforce', 'lockdown.exceptGroups={a,b}');
  const example = the(objects, 'ConfigMap', 'hallpass-example');
  expect(at(example, 'data')).toEqual({ mode: 'enforce', except: 'a,b' });
});

const IMPERSONATE = 'config.clusters[0].impersonate';

/** What a variable of a policy is, for the API server to compile. */
function variable(objects: readonly Manifest[], policy: string, name: string): unknown {
  const variables = at(the(objects, 'ValidatingAdmissionPolicy', policy), 'spec', 'variables');
  return at(
    (variables as object[]).find((it) => at(it, 'name') === name),
    'expression',
  );
}

test.each(['hallpass-adding', 'hallpass-entering', 'hallpass-break-glass'])(
  '%s knows the group of those whom Hallpass acts for, and none where it acts for nobody',
  async (policy) => {
    const groups = async (...set: string[]) => {
      const objects = await rendered(...set);
      return variable(objects, policy, 'sessionGroups');
    };
    expect(await groups('lockdown.mode=enforce')).toBe('[]');
    const acting = (how: string) =>
      groups('lockdown.mode=enforce', 'rbac.impersonate=classic', `${IMPERSONATE}.${how}`);
    expect(await acting('userPrefix=door:')).toBe('["hallpass:sessions"]');
    expect(await acting('group=door:sessions')).toBe('["door:sessions"]');
  },
);

test('an empty list of limits is empty, and not the usual one', async () => {
  const limits = async (...set: string[]) =>
    at(
      the(await rendered('lockdown.mode=enforce', ...set), 'ConfigMap', 'hallpass-lockdown'),
      'data',
    );
  expect(await limits()).toMatchObject({ capabilities: 'SYS_PTRACE', env: '' });
  expect(await limits('lockdown.limits.capabilities=null')).toMatchObject({ capabilities: '' });
  const none = await limits('lockdown.limits.capabilities=[]');
  expect(none).toMatchObject({ capabilities: '', shells: '/bin/sh\n/bin/bash' });
});

test('groups of any name are let through, and stay names', async () => {
  const name = `on call's "own" <group>`;
  const objects = await rendered('lockdown.mode=enforce', `lockdown.exceptGroups={${name}}`);
  const text = variable(objects, 'hallpass-adding', 'exceptGroups');
  expect(JSON.parse(String(text))).toEqual([name]);
});

test('none is where the kit is off, also where YAML made a truth value of it', async () => {
  for (const off of ['lockdown.mode=off', 'lockdown.mode=false']) {
    const objects = await rendered(off);
    expect(objects.some(({ metadata }) => metadata.name === 'hallpass-example')).toBe(false);
  }
});
