import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { HallpassHome } from '../support/hallpass.client.js';

let home: HallpassHome;
beforeAll(async () => {
  home = await HallpassHome.make();
});
afterAll(() => home[Symbol.asyncDispose]());

/** Runs it with a Node that says that it is of another version. */
async function on(version: string, ...args: string[]) {
  const versions = `{ value: { ...process.versions, node: '${version}' } }`;
  const code = `Object.defineProperty(process, 'versions', ${versions})`;
  const preload = `data:text/javascript,${encodeURIComponent(code)}`;
  return home.run(args, undefined, { NODE_OPTIONS: `--import=${preload}` });
}

test('on a Node that is too old, every command says so in a sentence, and which one it needs', async () => {
  const file = await readFile(join(PROJECT_ROOT, 'package.json'), 'utf8');
  const { engines } = JSON.parse(file);
  const least = engines.node.replace('>=', '');
  for (const args of [['sessions', '--ca-file', 'ca.crt'], ['--version']]) {
    const { code, stdout, stderr } = await on('20.19.5', ...args);
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `hallpass runs on Node.js ${least} or later, and this is 20.19.5: install a newer one.\n`,
    });
  }
  expect((await on(`${least}.0`, '--version')).code).toBe(0);
  expect((await on('22.18.9', '--version')).code).toBe(2);
});
