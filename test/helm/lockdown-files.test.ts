import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Helm } from '../../sandbox/cluster/helm.runner.js';
import { CHOOSE } from '../../src/domain/timebox/timer.script.js';
import { CHART, at, manifestsOf, the } from '../support/chart.lab.js';
import type { Manifest } from '../support/chart.lab.js';
import { ALLOWED_WORDS } from '../lockdown/lockdown.files.js';

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

const CONTENTS = 'hallpass-contents';

test('an empty list of limits is empty, and not the usual one', async () => {
  const limits = async (...set: string[]) => {
    const objects = await rendered('lockdown.mode=enforce', ...set);
    const names = ['images', 'shells', 'longestSeconds', 'capabilities', 'env'];
    return Object.fromEntries(names.map((it) => [it, variable(objects, CONTENTS, it)]));
  };
  expect(await limits()).toMatchObject({
    ...{ images: '[]', capabilities: '["SYS_PTRACE"]', env: '[]' },
    longestSeconds: '28800',
  });
  expect(await limits('lockdown.limits.capabilities=null')).toMatchObject({ capabilities: '[]' });
  const none = await limits('lockdown.limits.capabilities=[]');
  expect(none).toMatchObject({ capabilities: '[]', shells: '["/bin/sh","/bin/bash"]' });
});

test('what may be is what is said to be allowed', async () => {
  const allowed = async (...set: string[]) =>
    variable(await rendered('lockdown.mode=enforce', ...set), CONTENTS, 'allowed');
  expect(JSON.parse(String(await allowed()))).toEqual(ALLOWED_WORDS.toSorted());
  const other = ['root=refused', 'privileged=allowed'].map((it) => `lockdown.limits.${it}`);
  expect(await allowed(...other)).toBe(
    '["defaultCapabilities","privilegeEscalation","privileged","writableRoot"]',
  );
});

test('an upgrade leaves the timer that is in force beside the new one, for replicas of the version before', async () => {
  const fresh = await rendered('lockdown.mode=enforce');
  const policy = the(fresh, 'ValidatingAdmissionPolicy', CONTENTS);
  expect(variable(fresh, CONTENTS, 'choosersBefore')).toBe('[]');
  const before = {
    choosers: `[r'''a "choose" of <before> \\ {{ .Values }}\n''']`,
    holders: "[r'''a hold of before\n''']",
  };
  const annotations = {
    'meta.helm.sh/release-name': 'hallpass',
    'meta.helm.sh/release-namespace': 'hallpass',
  };
  const upgradedFrom = async (spec: object) => {
    const path = `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${CONTENTS}`;
    await using server = await answering({
      ...discovery(fresh),
      [path]: {
        ...policy,
        metadata: { ...policy.metadata, annotations },
        spec,
      },
    });
    const values = ['--values', join(CHART, 'ci', 'default-values.yaml')];
    const where = ['--namespace', 'hallpass', '--kube-apiserver', server.url];
    const asked = ['--dry-run=server', '--disable-openapi-validation'];
    const set = ['--set', 'lockdown.mode=enforce'];
    const run = await helm.run([
      ...['template', 'hallpass', folder, ...values],
      ...[...where, ...set, ...asked],
    ]);
    if (run.exitCode !== 0) throw new Error(run.stderr);
    return manifestsOf(run.stdout);
  };
  const variables = Object.entries(before).map(([name, expression]) => ({ name, expression }));
  const upgraded = await upgradedFrom({ variables });
  expect(variable(upgraded, CONTENTS, 'choosersBefore')).toBe(before.choosers);
  expect(variable(upgraded, CONTENTS, 'holdersBefore')).toBe(before.holders);
  expect(variable(upgraded, CONTENTS, 'choosers')).toBe(`[r'''${CHOOSE}''']`);
  // What was read from a ConfigMap cannot be read without it.
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const other = await upgradedFrom({ paramKind, variables });
  expect(variable(other, CONTENTS, 'choosersBefore')).toBe('[]');
});

/** What an API server says that it has, where it has the kinds of these objects. */
function discovery(objects: readonly Manifest[]): Record<string, object> {
  const versions = Map.groupBy(objects, ({ apiVersion }) => apiVersion);
  const resources = (of: readonly Manifest[]) =>
    [...Map.groupBy(of, ({ kind }) => kind)].map(([kind]) => ({
      name: `${kind.toLowerCase()}s`.replace(/ys$/, 'ies'),
      kind,
      namespaced: !kind.startsWith('Validating'),
      verbs: ['get'],
    }));
  const groups = [...versions.keys()].filter((it) => it !== 'v1');
  const version = (groupVersion: string) => ({ groupVersion, version: groupVersion.split('/')[1] });
  return {
    '/version': { major: '1', minor: '36', gitVersion: 'v1.36.2' },
    '/api': { kind: 'APIVersions', versions: ['v1'] },
    '/apis': {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.map((it) => ({
        name: it.split('/')[0],
        versions: [version(it)],
        preferredVersion: version(it),
      })),
    },
    ...Object.fromEntries(
      [...versions].map(([it, of]) => [
        it === 'v1' ? '/api/v1' : `/apis/${it}`,
        { kind: 'APIResourceList', groupVersion: it, resources: resources(of) },
      ]),
    ),
  };
}

/** An API server that has these objects and nothing else. */
async function answering(objects: Readonly<Record<string, object>>) {
  const server = createServer(({ url = '' }, response) => {
    const object = objects[url.split('?')[0] ?? ''];
    response.writeHead(object ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(object ?? { kind: 'Status', status: 'Failure', code: 404 }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

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
