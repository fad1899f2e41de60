import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HallpassHome } from '../support/hallpass.client.js';

let home: HallpassHome;
beforeAll(async () => {
  home = await HallpassHome.make();
});
afterAll(() => home[Symbol.asyncDispose]());

/** A file that could be offered, for as long as a test runs. */
async function aFile(): Promise<AsyncDisposable> {
  const path = join(home.folder, 'a-file');
  await writeFile(path, '');
  return { [Symbol.asyncDispose]: () => rm(path) };
}

const script = async (shell: string): Promise<string> => {
  const { code, stdout } = await home.run(['completion', shell]);
  expect(code).toBe(0);
  return stdout.toString();
};
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

describe('in bash, pressing Tab', () => {
  let bash: string;
  beforeAll(async () => {
    bash = await script('bash');
  });

  /** What is offered where the words stand so; the last one is being typed. */
  function offered(...words: string[]): string[] {
    const asks = `
      compopt() { COMPREPLY=("compopt $*"); }
      COMP_WORDS=(hallpass ${words.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${words.length}
      _hallpass
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', `${bash}\n${asks}`], {
      cwd: home.folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter((it) => it !== '');
  }

  test('offers the commands, and those below them', () => {
    expect(offered('')).toEqual(expect.arrayContaining(['login', 'debug', 'sessions', 'policy']));
    expect(offered('de')).toEqual(['debug', 'deny']);
    expect(offered('recording', 'p')).toEqual(['play']);
    expect(offered('session', 'sh')).toEqual(['show']);
  });

  test('offers the options of the command, whatever came between', () => {
    expect(offered('debug', '--n')).toEqual(['--no-input', '--namespace', '--no-wait']);
    expect(offered('debug', 'pod/web', '-n', 'payments', '--prof')).toEqual(['--profile']);
  });

  test('offers the values of an option that has a few', () => {
    expect(offered('sessions', '--state', 'a')).toEqual(['approved', 'active']);
    expect(offered('whoami', '-o', '')).toEqual(['text', 'wide', 'json', 'yaml']);
  });

  test('offers files where a file is wanted, and none for a name', async () => {
    await using _ = await aFile();
    expect(offered('recording', 'export', 'x', '--file', 'a-f')).toEqual(['a-file']);
    for (const flag of ['--profile', '-n', '--reason']) {
      // Without files, which bash offers by default.
      expect(offered('debug', flag, 'a-f')).toEqual(['compopt +o default']);
    }
  });

  test('offers nothing of ours after --', () => {
    expect(offered('connect', 'x', '--', 'l')).toEqual([]);
  });
});

describe.skipIf(!has('fish'))('in fish, pressing Tab', () => {
  let fish: string;
  beforeAll(async () => {
    fish = await script('fish');
  });

  function offered(line: string): string[] {
    const ask = `${fish}\ncomplete -C '${line}'`;
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', ask], {
      cwd: home.folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.split('\n').flatMap((it) => it.split('\t')[0] || []);
  }

  test('offers the commands, those below them, and their options', () => {
    expect(offered('hallpass de')).toEqual(['debug', 'deny']);
    expect(offered('hallpass recording p')).toEqual(['play']);
    expect(offered('hallpass debug pod/web -n payments --prof')).toEqual(['--profile']);
    expect(offered('hallpass sessions --state a')).toEqual(['active', 'approved']);
  });

  test('offers files where a file is wanted, and none for a name', async () => {
    await using _ = await aFile();
    expect(offered('hallpass debug --profile a-f')).toEqual([]);
    expect(offered('hallpass recording export x --file a-f')).toEqual(['a-file']);
  });

  test('offers nothing of the commands beside the one that is typed already', () => {
    expect(offered('hallpass recording play ')).toEqual([]);
    expect(offered('hallpass sessions --state active show --st')).toEqual([]);
    expect(offered('hallpass connect x -- --')).toEqual([]);
  });
});

test.each(['zsh', 'fish'])('%s can read its script, where it is here', async (shell) => {
  const text = await script(shell);
  expect(text).toContain('recording');
  if (!has(shell)) return;
  const file = join(home.folder, `hallpass.${shell}`);
  await writeFile(file, text);
  const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});
