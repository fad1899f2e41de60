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
import { loadPolicyFolders, WatchedFolders } from './policy.folder.js';

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

async function setOf(...paths: string[]): Promise<PolicySet> {
  const set = await loadPolicyFolders(paths);
  if (isPolicyErrors(set)) throw new Error(set.policyErrors.join('\n'));
  return set;
}

async function errorsOf(...paths: string[]): Promise<readonly string[]> {
  const set = await loadPolicyFolders(paths);
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
    const errors = await errorsOf(folder);
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

describe('several folders of policies', () => {
  function under(...names: string[]): string[] {
    return names.map((name) => {
      mkdirSync(join(folder, name), { recursive: true });
      return join(folder, name);
    });
  }

  test('are one set, whose hash says nothing of where they are mounted', async () => {
    const make = (...names: string[]): string[] => {
      const [base = '', team = ''] = under(...names);
      writeFileSync(join(base, 'a.yaml'), PROFILE);
      writeFileSync(join(team, 'a.yaml'), PROFILE.replace('shell', 'other'));
      return [base, team];
    };
    const here = await setOf(...make('here/base', 'here/team'));
    const there = await setOf(...make('there/deep/base', 'elsewhere/team'));
    expect(here.files.map(({ name }) => name)).toEqual(['base/a.yaml', 'team/a.yaml']);
    expect(there.hash).toBe(here.hash);
  });

  test('that end alike are told apart by as much of their paths as it takes', async () => {
    const paths = under('one/policies', 'two/policies');
    for (const [index, path] of paths.entries()) {
      writeFileSync(join(path, 'a.yaml'), PROFILE.replace('shell', `shell${index}`));
    }
    const names = (await setOf(...paths)).files.map(({ name }) => name);
    expect(names).toEqual(['one/policies/a.yaml', 'two/policies/a.yaml']);
  });

  test('must be different ones', async () => {
    expect(await errorsOf(folder, `${folder}/`)).toEqual([
      `${folder}/: is named twice in policies.folders`,
    ]);
  });

  test('may not both have a document of one name', async () => {
    const paths = under('base', 'team');
    for (const path of paths) writeFileSync(join(path, 'a.yaml'), PROFILE);
    expect(await errorsOf(...paths)).toEqual([
      'team/a.yaml:3:19: metadata.name: is taken by base/a.yaml:3:19',
    ]);
  });
});

describe('a folder that changes while it is looked at', () => {
  function watched(): WatchedFolders {
    const folders = WatchedFolders.of([folder]);
    if (isPolicyErrors(folders)) throw new Error(folders.policyErrors.join());
    return folders;
  }

  /** One more version of a mounted ConfigMap whose two files belong together. */
  function turnTo(version: number): void {
    const data = `..version-${version}`;
    mkdirSync(join(folder, data));
    for (const file of ['a.yaml', 'b.yaml'])
      writeFileSync(join(folder, data, file), `# ${version}\n`);
    symlinkSync(data, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    rmSync(join(folder, `..version-${version - 1}`), { recursive: true, force: true });
  }

  test('is read as one version of a ConfigMap, never as halves of two', async () => {
    turnTo(0);
    const folders = watched();
    const { mark } = await folders.read();
    let version = 1;
    turnTo(version);
    const turning = setInterval(() => {
      turnTo(++version);
      if (version === 30) clearInterval(turning);
    }, 17);
    const reading = await folders.readUnless(mark);
    clearInterval(turning);
    const texts = new Set(reading?.files.map(({ text }) => text));
    expect(reading?.errors).toEqual([]);
    expect([...texts]).toEqual([`# ${version}\n`]);
  });

  test('is not read again while nothing in it changed', async () => {
    writeFileSync(join(folder, 'a.yaml'), PROFILE);
    const folders = watched();
    const { mark } = await folders.read();
    expect(await folders.readUnless(mark)).toBeUndefined();
    writeFileSync(join(folder, 'a.yaml'), PROFILE.replace('tools', 'newer'));
    expect((await folders.readUnless(mark))?.files[0]?.text).toContain('newer');
  });

  test('tells of a change as soon as the system does', async () => {
    const folders = watched();
    const changed = Promise.withResolvers<undefined>();
    const unwatch = folders.watch(() => changed.resolve(undefined));
    writeFileSync(join(folder, 'a.yaml'), PROFILE);
    await changed.promise;
    unwatch();
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

  test.each([
    ['payments', 'grant'],
    ['staging', 'refuse'],
  ])('offer whoever is on call to break the glass of %s: %s', async (namespace, verdict) => {
    const set = await setOf('sandbox/policies');
    const [person, at] = [{ ...ROBIN, groups: ['oncall'] }, { authAgeSeconds: 60 }];
    const facts = factsOf({ person, namespace, requester: at, request: { breakGlass: true } });
    expect(evaluate(set, facts).verdict).toBe(verdict);
  });
});
