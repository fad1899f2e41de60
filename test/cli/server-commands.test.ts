import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { makeKey } from '../../src/domain/audit/signed.note.js';
import type { Ended } from '../support/program.js';
import { Program } from '../support/program.js';

// What a program computes before it says anything takes a busy machine long.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-server-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  await using program = new Program('src/server.ts', args, env);
  return await program.ended;
}

describe('hallpass-server', () => {
  test('names every command in its help, and its version', async () => {
    const help = await run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['serve', 'migrate', 'verify']) {
      expect(help.stdout).toMatch(new RegExp(`^ +${name} `, 'm'));
    }
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${packageJson.version}\n` });
  });

  test.each(['serve', 'migrate', 'verify'])(
    '%s tells its own help and runs nothing',
    async (name) => {
      const { code, stdout, stderr } = await run([name, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout.length).toBeGreaterThan(100);
    },
  );

  test('refuses a command that it does not know, with the one that was meant', async () => {
    expect(await run(['migrat'])).toMatchObject({
      code: 2,
      stderr: 'There is no command migrat: did you mean migrate? (see hallpass-server --help)\n',
    });
    expect(await run(['toString'])).toMatchObject({
      code: 2,
      stderr: 'There is no command toString. (see hallpass-server --help)\n',
    });
    expect(await run([])).toMatchObject({
      code: 2,
      stderr: 'No command is given. (see hallpass-server --help)\n',
    });
  });

  test('refuses arguments that a command does not take', async () => {
    expect(await run(['serve', '--port=1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--port=1') as string,
    });
    expect(await run(['migrate', '--port=1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('hallpass-server migrate --help') as string,
    });
  });

  test('verifies like the command line, without a configuration and on the same exit codes', async () => {
    const { verifier } = makeKey('example.com/log');
    expect(await run(['verify', join(folder, 'none'), '--key', verifier])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Nothing is there') as string,
    });
  });
});
