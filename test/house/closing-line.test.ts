import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);

const FILES = {
  'good.test.ts': `import { test } from 'vitest';
test('a', () => {});
test('b', () => {});
test.skip('c', () => {});`,
  'bad.test.ts': `import { test } from 'vitest';
test('a', () => {});
test('b', () => { throw new Error('no'); });`,
  'broken.test.ts': `throw new Error('cannot be collected');`,
  'hooks.test.ts': `import { beforeAll, describe, test } from 'vitest';
describe('x', () => { beforeAll(() => { throw new Error('no'); }); test('a', () => {}); });`,
  'late.test.ts': `import { test } from 'vitest';
let tries = 0;
test('a', { retry: 1 }, () => { tries += 1; if (tries === 1) throw new Error('not yet'); });`,
  'stray.test.ts': `import { test } from 'vitest';
test('a', () => { void Promise.reject(new Error('nobody waits for this')); });`,
};

/** Runs the project's vitest with its reporter on these files; how it ended, its last line and that before. */
async function closing(
  ...names: (keyof typeof FILES)[]
): Promise<[failed: boolean, last: string, before: string]> {
  const args = [
    resolve('node_modules/vitest/vitest.mjs'),
    ...['run', '--root', folder, '--reporter', 'default'],
    ...['--reporter', resolve('scripts/closing-line.reporter.ts'), ...names],
  ];
  const outcome = await run(process.execPath, args, { cwd: folder }).then(
    ({ stdout }) => ({ failed: false, stdout }),
    (error: unknown) => ({ failed: true, stdout: (error as { stdout: string }).stdout }),
  );
  const [last = '', before = ''] = outcome.stdout.trimEnd().split('\n').reverse();
  return [outcome.failed, last, before];
}

let folder: string;
beforeAll(async () => {
  // Inside the repository, so that the files find vitest; the folder is ignored by git and by the other runs.
  folder = await mkdtemp(resolve('node_modules/.closing-line-'));
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `export default { test: { include: ['*.test.ts'], exclude: [] } };`,
  );
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the last line of a run', () => {
  test('counts what passed and what failed', async () => {
    expect(await closing('good.test.ts')).toEqual([false, '2 passed, 0 failed', '']);
    expect(await closing('good.test.ts', 'bad.test.ts')).toEqual([true, '3 passed, 1 failed', '']);
  });

  test('comes after what passed at its second try only', async () => {
    expect(await closing('late.test.ts')).toEqual([
      false,
      '1 passed, 0 failed',
      'passed at the second try only: late.test.ts > a',
    ]);
  });

  test.each(['broken.test.ts', 'hooks.test.ts', 'stray.test.ts'] as const)(
    'tells of a failure outside any test: %s',
    async (name) => {
      const [failed, line] = await closing('good.test.ts', name);
      expect(failed).toBe(true);
      expect(line).toMatch(/^[23] passed, [1-9]\d* failed$/);
    },
  );
});
