import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { factsOf } from '../../../test/support/policies.js';
import { ROBIN } from '../../../test/support/sessions.js';
import { evaluate } from '../../domain/policy/evaluate.js';
import type { PolicySet } from '../../domain/policy/policy.js';
import { isPolicyErrors } from './policy.documents.js';
import { loadPolicyFolder, PolicyFolder } from './policy.folder.js';

const PROFILE = `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: tools, allowTag: true, debugProfile: baseline }
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-policy-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function setOf(path: string): Promise<PolicySet> {
  const set = await loadPolicyFolder(path);
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

async function errorsOf(path: string): Promise<readonly string[]> {
  const set = await loadPolicyFolder(path);
  if (!isPolicyErrors(set)) throw new Error('there is nothing wrong with it');
  return set.policyErrors;
}

describe('a folder of policies', () => {
  test('is its .yaml and .yml files and nothing else', async () => {
    writeFileSync(join(folder, 'a.yaml'), PROFILE);
    writeFileSync(join(folder, 'b.yml'), PROFILE.replace('shell', 'other'));
    writeFileSync(join(folder, 'README.md'), 'not: [yaml');
    writeFileSync(join(folder, '.hidden.yaml'), 'not: [yaml');
    mkdirSync(join(folder, 'below'));
    writeFileSync(join(folder, 'below', 'c.yaml'), 'not: [yaml');
    expect((await setOf(folder)).profiles.map(({ name }) => name)).toEqual(['other', 'shell']);
  });

  test('can be a mounted ConfigMap, links and hidden folders and all', async () => {
    mkdirSync(join(folder, '..2026_01_01'));
    writeFileSync(join(folder, '..2026_01_01', 'a.yaml'), PROFILE);
    symlinkSync('..2026_01_01', join(folder, '..data'));
    symlinkSync(join('..data', 'a.yaml'), join(folder, 'a.yaml'));
    const before = await setOf(folder);
    expect(before.profiles).toHaveLength(1);

    mkdirSync(join(folder, '..2026_01_02'));
    writeFileSync(join(folder, '..2026_01_02', 'a.yaml'), PROFILE.replace('tools', 'newer'));
    symlinkSync('..2026_01_02', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    expect((await setOf(folder)).profiles[0]?.image).toBe('newer');
  });

  test('that holds nothing allows nothing', async () => {
    const set = await setOf(folder);
    expect(set.policies).toEqual([]);
    expect(set.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is what it was when it was opened', async () => {
    writeFileSync(join(folder, 'a.yaml'), PROFILE);
    const source = await PolicyFolder.open(folder);
    if (isPolicyErrors(source)) throw new Error(source.policyErrors.join('\n'));
    rmSync(join(folder, 'a.yaml'));
    expect(source.current().profiles).toHaveLength(1);
  });

  test('is refused where it is not there', async () => {
    expect(await errorsOf(join(folder, 'none'))).toEqual([
      `${join(folder, 'none')}: cannot be read (ENOENT)`,
    ]);
  });

  test('tells every file that cannot be taken, beside what is wrong in the others', async () => {
    writeFileSync(join(folder, 'a.yaml'), PROFILE.replace('baseline', 'x'));
    writeFileSync(join(folder, 'b.yaml'), '');
    truncateSync(join(folder, 'b.yaml'), 1024 * 1024 + 1);
    writeFileSync(join(folder, 'c.yaml'), Buffer.of(0xc3, 0x28));
    mkdirSync(join(folder, 'd.yaml'));
    symlinkSync('nowhere', join(folder, 'e.yaml'));
    execFileSync('mkfifo', [join(folder, 'f.yaml')]);
    const errors = (await errorsOf(folder)).map((error) => error.replace(`${folder}/`, ''));
    expect(errors).toEqual([
      'b.yaml:1:1: is larger than 1048576 bytes',
      'c.yaml:1:1: is not UTF-8',
      'd.yaml:1:1: is not a file',
      'e.yaml:1:1: cannot be read (ENOENT)',
      'f.yaml:1:1: is not a file',
      expect.stringContaining('a.yaml:4:53: spec.debugProfile: ') as string,
    ]);
  });
});

describe("the sandbox's policies", () => {
  test.each([
    ['oncall', 'staging', 'grant'],
    ['oncall', 'staging-eu', 'grant'],
    ['oncall', 'payments', 'hold'],
    ['oncall', 'kube-system', 'refuse'],
    ['oncall', 'default', 'refuse'],
    ['payments-leads', 'staging', 'refuse'],
  ])('let %s into %s: %s', async (group, namespace, verdict) => {
    const set = await setOf('sandbox/policies');
    const asking = (profile: string) =>
      evaluate(
        set,
        factsOf({ person: { ...ROBIN, groups: [group] }, namespace, request: { profile } }),
      ).verdict;
    expect(asking('shell')).toBe(verdict);
    expect(asking('restricted')).toBe(verdict);
    expect(asking('unheard-of')).toBe('refuse');
  });
});
