import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);

/** Each file imports what the name of its row says; what must be refused names the rule that is to refuse it. */
const REFUSED: readonly [from: string, imports: string, rule: string][] = [
  ['src/domain/a.ts', 'zod', 'domain-is-pure'],
  ['src/domain/b.ts', 'node:fs', 'domain-is-pure'],
  ['src/domain/c.ts', '../app/use.js', 'domain-is-pure'],
  ['src/domain/d.ts', '../contract/wire.js', 'domain-is-pure'],
  ['src/contract/a.ts', '../app/use.js', 'not-in-allowed'],
  ['src/contract/b.ts', '../config/config.js', 'not-in-allowed'],
  ['src/contract/c.ts', 'node:fs', 'not-in-allowed'],
  ['src/app/a.ts', '../adapters/one/one.js', 'not-in-allowed'],
  ['src/app/b.ts', '@nestjs/common', 'not-in-allowed'],
  ['src/app/c.ts', '../config/config.js', 'not-in-allowed'],
  ['src/app/d.ts', 'node:fs', 'not-in-allowed'],
  ['src/app/e.ts', 'zod', 'not-in-allowed'],
  ['src/config/a.ts', '../app/use.js', 'not-in-allowed'],
  ['src/config/b.ts', '../adapters/one/one.js', 'not-in-allowed'],
  ['src/config/c.ts', 'pg', 'not-in-allowed'],
  ['src/adapters/two/a.ts', '../one/one.js', 'adapters-are-strangers'],
  ['src/adapters/net/a.ts', '../one/one.js', 'adapters-are-strangers'],
  ['src/adapters/two/b.ts', '../../main.js', 'entry-points-alone-see-the-root'],
  ['src/adapters/two/c.ts', '../../../sandbox/demo.js', 'product-without-its-trials'],
  ['src/adapters/two/d.ts', '../prisma/generated/client.js', 'prisma-stays-home'],
  ['src/adapters/two/e.ts', '@prisma/client', 'prisma-stays-home'],
  ['src/adapters/two/f.ts', 'fast-check', 'product-lives-on-its-own-packages'],
  ['src/adapters/two/g.ts', './nowhere.js', 'no-riddles'],
  ['src/unheard-of/a.ts', '../domain/pure.js', 'not-in-allowed'],
  ['src/main.ts', '../test/support.js', 'product-without-its-trials'],
  ['src/app.module.ts', '../bench/run.js', 'product-without-its-trials'],
  ['sandbox/a.ts', '../test/support.js', 'not-in-allowed'],
  ['sandbox/b.ts', '../src/adapters/prisma/generated/client.js', 'prisma-stays-home'],
  ['scripts/a.ts', '../sandbox/demo.js', 'not-in-allowed'],
];

/** Types count as well: a shape that leaks is a dependency. */
const TYPES_REFUSED: typeof REFUSED = [
  ['src/domain/type.ts', '../app/use.js', 'domain-is-pure'],
  ['src/app/type.ts', '../adapters/one/one.js', 'not-in-allowed'],
  ['src/adapters/two/type.ts', '../one/one.js', 'adapters-are-strangers'],
  ['src/adapters/two/row.ts', '../prisma/generated/client.js', 'prisma-stays-home'],
];

const ALLOWED: readonly [from: string, imports: string][] = [
  ['src/domain/ok-a.ts', './pure.js'],
  ['src/domain/ok-b.ts', 'node:crypto'],
  ['src/domain/ok.test.ts', 'fast-check'],
  ['src/domain/ok-too.test.ts', '../../test/support.js'],
  ['src/contract/ok-a.ts', 'zod'],
  ['src/contract/ok-b.ts', '../domain/pure.js'],
  ['src/app/ok-a.ts', '../contract/wire.js'],
  ['src/config/ok-a.ts', 'yaml'],
  ['src/config/ok-b.ts', 'node:fs'],
  ['src/adapters/one/ok-a.ts', './one.js'],
  ['src/adapters/one/ok-b.ts', '../../config/config.js'],
  ['src/adapters/one/ok-c.ts', '../../app/use.js'],
  ['src/adapters/one/ok-d.ts', 'pg'],
  ['src/adapters/one/ok-e.ts', '../net/net.js'],
  ['src/adapters/prisma/ok-a.ts', './generated/client.js'],
  ['src/migrate.ts', './adapters/one/one.js'],
  ['sandbox/ok-a.ts', '../src/main.js'],
  ['test/ok-a.ts', '../sandbox/demo.js'],
  ['scripts/image/ok-a.ts', '../../sandbox/demo.js'],
];

const PLAIN = [
  'src/domain/pure.ts',
  'src/contract/wire.ts',
  'src/app/use.ts',
  'src/config/config.ts',
  'src/adapters/net/net.ts',
  'src/adapters/one/one.ts',
  'src/adapters/prisma/generated/client.ts',
  'sandbox/demo.ts',
  'bench/run.ts',
  'test/support.ts',
];

interface Violation {
  readonly from: string;
  readonly to: string;
  readonly rule: { readonly name: string };
}

let folder: string;
let violations: readonly Violation[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-imports-'));
  for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
    await cp(name, join(folder, name));
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  const files = [
    ...PLAIN.map((path) => ({ path, text: 'export const it = 1;\n' })),
    ...[...REFUSED, ...ALLOWED].map(([path, from]) => ({
      path,
      text: `import * as it from '${from}';\nit;\n`,
    })),
    ...TYPES_REFUSED.map(([path, from]) => ({
      path,
      text: `import type * as it from '${from}';\n`,
    })),
  ];
  for (const { path, text } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${text}export {};\n`);
  }
  const { stdout } = await run(
    process.execPath,
    [
      resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
      ...['--config', '.dependency-cruiser.cjs', '--output-type', 'json'],
      ...['src', 'sandbox', 'test', 'bench', 'scripts'],
    ],
    { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
  );
  violations = (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the rules of imports', () => {
  test.each([...REFUSED, ...TYPES_REFUSED])('do not let %s import %s (%s)', (from, _, rule) => {
    const broken = violations.filter((it) => it.from === from).map((it) => it.rule.name);
    expect(broken).toContain(rule);
  });

  test.each(ALLOWED)('let %s import %s', (from) => {
    expect(violations.filter((it) => it.from === from)).toEqual([]);
  });
});
