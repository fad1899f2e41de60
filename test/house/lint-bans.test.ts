import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, test } from 'vitest';

const eslint = new ESLint({
  // Only the bans are tried here; the rules that need types take a file that is part of the project.
  overrideConfig: [
    {
      files: ['**/*.ts'],
      ...tseslint.configs.disableTypeChecked,
      languageOptions: { parserOptions: { project: false, programs: null, projectService: false } },
    },
  ],
});

async function messages(path: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath: path });
  return (result?.messages ?? []).map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

describe('the linter bans', () => {
  test.each([
    [
      'the environment',
      'src/app/x.ts',
      'export const x = process.env.X;',
      'src/config is the only',
    ],
    [
      'it by import',
      'src/app/x.ts',
      "export { env } from 'node:process';",
      'src/config is the only',
    ],
    [
      'it by default',
      'src/app/x.ts',
      "import p from 'process';\nexport const x = p.env.X;",
      'src/config',
    ],
    ['enums', 'src/app/x.ts', 'export enum X { A }', 'An enum is code'],
    ['default exports', 'src/app/x.ts', 'export default 1;', 'Export it by name'],
    ['as any', 'test/x.ts', 'export const x = 1 as any;', 'Parse input with Zod'],
    ['a wait of a second', 'test/x.ts', 'await vi.waitFor(() => true);', 'Say how long'],
  ])('%s, and says what to do in its place', async (_, path, text, said) => {
    expect((await messages(path, text)).join('\n')).toContain(said);
  });

  test.each([
    ['the environment in src/config', 'src/config/x.ts', 'export const x = process.env.X;'],
    ['the environment in a test', 'src/app/x.test.ts', 'export const x = process.env.X;'],
    ['a default export in a configuration', 'some.config.ts', 'export default {};'],
  ])('not %s', async (_, path, text) => {
    expect(await messages(path, text)).toEqual([]);
  });

  test('an `import type` of a class that is injected', async () => {
    const injected = (how: string): string =>
      `${how}\n@Injectable()\nexport class A { constructor(private readonly b: B) {} }\nconst Injectable = () => () => {};`;
    const typed = await messages('src/app/x.ts', injected("import type { B } from './b.js';"));
    const inline = await messages('src/app/x.ts', injected("import { type B } from './b.js';"));
    const plain = await messages('src/app/x.ts', injected("import { B } from './b.js';"));
    expect(typed.join()).toContain('injected-import');
    expect(inline.join()).toContain('injected-import');
    expect(plain.join()).not.toContain('injected-import');
  });

  test('nothing silently: no file of the product switches a ban off', async () => {
    const files = (await readdir('src', { recursive: true })).filter(
      (it) => it.endsWith('.ts') && !it.startsWith('adapters/prisma/generated/'),
    );
    const read = files.map(async (file) => {
      const text = await readFile(join('src', file), 'utf8');
      // One that names no rule switches off all of them.
      const marks = text.matchAll(/eslint-disable(?:-next-line|-line)?[ \t]*([^\n]*)/g);
      return [...marks]
        .filter(
          ([, rules = '']) => !/^[@a-z]/.test(rules) || /no-restricted-|hallpass\//.test(rules),
        )
        .map(([mark]) => `${file}: ${mark}`);
    });
    const suppressed = (await Promise.all(read)).flat();
    expect(suppressed).toEqual([]);
  });

  test('are of the ESLint that the package names', async () => {
    const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(Linter.version).toBe(devDependencies['eslint']);
  });
});
