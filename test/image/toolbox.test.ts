import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { readDockerfile } from '../../scripts/image/dockerfile.reader.js';
import { strengthProbe } from '../../src/domain/timebox/timer.js';
import { findShell } from '../support/shells.js';

const TOOLBOX = join(PROJECT_ROOT, 'deploy', 'toolbox');

/** What a timer needs of its image, and the package of Debian that has it. */
const NEEDS = [
  ['a shell whose read has a time limit', 'bash'],
  ['date, to know whether it is started too late', 'coreutils'],
] as const;

let folder: string;
let packages: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-toolbox-'));
  const { stages } = readDockerfile(await readFile(join(TOOLBOX, 'Dockerfile'), 'utf8'));
  const scripts = stages.flatMap(({ steps }) =>
    steps.flatMap((step) => (step.kind === 'run' ? [step.script] : [])),
  );
  const installs = scripts.flatMap((script) => /apt-get install (.*?)&&/.exec(script)?.[1] ?? []);
  packages = installs
    .join(' ')
    .split(/\s+/)
    .filter((word) => /^[a-z]/.test(word));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the toolbox', () => {
  test.each(NEEDS)('has %s (%s)', (_need, name) => {
    expect(packages).toContain(name);
  });

  test.each([
    'curl',
    'bind9-dnsutils',
    'tcpdump',
    'strace',
    'jq',
    'postgresql-client',
    'less',
    'vim-tiny',
    'tmux',
  ])('has %s for whoever is on call', (name) => {
    expect(packages).toContain(name);
  });

  test('takes the packages of one day where the builder names it, those of security too', async () => {
    const text = await readFile(join(TOOLBOX, 'Dockerfile'), 'utf8');
    const sources = join(folder, 'debian.sources');
    const usual = ['debian', 'debian-security'].map((it) => `URIs: http://deb.debian.org/${it}\n`);
    await writeFile(sources, usual.join('Suites: trixie\n\n'));
    const { stages } = readDockerfile(text);
    const script = stages
      .flatMap(({ steps }) => steps.flatMap((step) => (step.kind === 'run' ? [step.script] : [])))
      .find((it) => it.includes('apt-get'));
    const lines = (script ?? '').split('&& apt-get install')[0] ?? '';
    const day = {
      APT_URI: 'https://s.example.com/d/1',
      APT_SECURITY_URI: 'https://s.example.com/s/1',
    };
    // In place of apt-get, what it would be told.
    const here = lines.replaceAll('/etc/apt/sources.list.d/debian.sources', sources);
    const run = (env: Record<string, string>) =>
      spawnSync('sh', ['-c', here.replace('apt-get', 'echo')], {
        env: { PATH: process.env['PATH'], ...env },
        encoding: 'utf8',
      }).stdout.trim();
    expect(run({})).toBe('update');
    expect(await readFile(sources, 'utf8')).toContain(usual[1]);
    expect(run(day)).toBe('-o Acquire::Check-Valid-Until=false update');
    const replaced = await readFile(sources, 'utf8');
    expect(replaced.match(/^URIs: .*/gm)).toEqual([
      'URIs: https://s.example.com/d/1',
      'URIs: https://s.example.com/s/1',
    ]);
  });

  test('asks of itself what the broker will ask of its containers', async () => {
    const text = await readFile(join(TOOLBOX, 'can-hold.sh'), 'utf8');
    expect(text.replace(/^(#.*\n)+/, '')).toBe(strengthProbe('/bin/sh')[2]);
  });

  test('is not built where its shell could not hold a timer by itself', async () => {
    const asked = async (shell: 'bash' | 'dash') => {
      const found = await findShell(shell);
      if ('missing' in found) return found.missing;
      const bin = await mkdtemp(join(folder, 'bin-'));
      await symlink(found.path, join(bin, shell));
      const script = join(TOOLBOX, 'can-hold.sh');
      return spawnSync(join(bin, shell), [script], { env: { PATH: bin } }).status;
    };
    expect(await asked('bash')).toBe(0);
    expect([3, expect.stringContaining('no dash')]).toContainEqual(await asked('dash'));
  });
});
