import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sbomDocument } from '../../scripts/sbom/sbom.document.js';
import { readTree } from '../../scripts/image/file.tree.js';
import type { Findable } from '../../scripts/image/image.findings.js';
import { imageFindings } from '../../scripts/image/image.findings.js';

const RUNTIME = 'node_modules/@prisma/client/runtime';
const COMPILER = `${RUNTIME}/query_compiler_fast_bg.postgresql`;
const client = JSON.stringify({ name: '@prisma/client', version: '1.0.0', license: 'MIT' });

/** All that an image must have, and nothing more. */
const SOUND: Readonly<Record<string, string>> = {
  LICENSE: '',
  'package.json': JSON.stringify({ name: 'hallpass', version: '1.0.0' }),
  'dist/src/server.js': '',
  'prisma/migrations/1/migration.sql': '',
  'node_modules/@prisma/client/package.json': client,
  [`${COMPILER}.mjs`]: '',
  [`${COMPILER}.wasm-base64.mjs`]: '',
};

const LOCK = {
  lockfileVersion: 3,
  packages: {
    '': { version: '1.0.0', dependencies: { '@prisma/client': '1.0.0' } },
    'node_modules/@prisma/client': { version: '1.0.0' },
    'node_modules/vitest': { version: '1.0.0', dev: true },
    'node_modules/bufferutil': { version: '1.0.0', optional: true },
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-findings-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What is found in a sound image with these files put in, or taken out. */
async function findings(
  change: Readonly<Record<string, string | undefined>> = {},
  over: (it: Findable) => Findable = (it) => it,
): Promise<string[]> {
  const root = await mkdtemp(join(folder, 'root-'));
  const app = join(root, 'app');
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(app, name)), { recursive: true });
    await writeFile(join(app, name), text, 'latin1');
  };
  for (const [name, text] of Object.entries(SOUND)) await write(name, text);
  const lock = await mkdtemp(join(folder, 'lock-'));
  await writeFile(join(lock, 'package-lock.json'), JSON.stringify(LOCK));
  await writeFile(join(lock, 'package.json'), SOUND['package.json'] ?? '');
  await write('sbom.cdx.json', sbomDocument({ project: lock, tree: app }));
  for (const [name, text] of Object.entries(change)) {
    if (text === undefined) await rm(join(app, name));
    else await write(name, text);
  }
  const tree = readTree(app).map((entry) => ({ ...entry, modifiedAt: 5, mode: 0o644 }));
  const image = {
    ...{ root, base: 'base', user: '65532:65532', workdir: '/app', env: {}, labels: {} },
    ...{ entrypoint: [], cmd: [], ports: [] },
  };
  return imageFindings(over({ project: lock, image, tree, epoch: 5 }));
}

describe('what is looked for in an image', () => {
  test('is not there in one that is as it should be', async () => {
    expect(await findings()).toEqual([]);
  });

  test.each([
    [
      'a compiler for another database',
      { [`${RUNTIME}/query_compiler_fast_bg.mysql.mjs`]: '' },
      'mysql.mjs is too much',
    ],
    ['no compiler', { [`${COMPILER}.mjs`]: undefined }, 'is missing'],
    [
      'a package of development',
      { 'node_modules/vitest/package.json': '{}' },
      'vitest is too much',
    ],
    [
      'an optional package',
      { 'node_modules/bufferutil/package.json': '{}' },
      'bufferutil is too much',
    ],
    [
      'no package of production',
      { 'node_modules/@prisma/client/package.json': undefined },
      'client is missing',
    ],
    ['a shell', { 'dist/src/sh': '' }, 'is a shell'],
    [
      'a package manager',
      { 'node_modules/@prisma/client/npm': '' },
      'is a shell or a package manager',
    ],
    ['a source map', { 'dist/src/server.js.map': '' }, 'who build or debug'],
    ['a test', { 'dist/src/server.test.js': '' }, 'who build or debug'],
    ['a file for npm', { 'dist/.npmrc': '' }, 'may hold a secret'],
    ['a native program', { 'dist/src/x.node': '\x7fELF' }, 'one kind of processor'],
    ['another folder', { 'docs/index.md': '' }, 'docs is too much'],
    [
      'another bill of materials',
      { 'sbom.cdx.json': '{"components":[],"bomFormat":"x"}' },
      'breaks the schema',
    ],
  ])('%s', async (_what, change, found) => {
    expect((await findings(change)).join('\n')).toContain(found);
  });

  test.each([
    ['too many bytes', { bytes: 400_000_000 }, 'may have 350'],
    ['files that others may write', { mode: 0o666 }, 'may be written by others'],
    ["files that run with their owner's rights", { mode: 0o4755 }, 'runs as somebody else'],
    ['times of today', { modifiedAt: 6 }, 'has a time of its own'],
  ])('%s', async (_what, over, found) => {
    const all = await findings({}, (it) => ({
      ...it,
      tree: it.tree.map((entry) => (entry.path === 'LICENSE' ? { ...entry, ...over } : entry)),
    }));
    expect(all.join('\n')).toContain(found);
  });

  test.each(['0', 'root', '0:0', '65532', 'nonroot'])('a start as %s', async (user) => {
    const found = await findings({}, (it) => ({ ...it, image: { ...it.image, user } }));
    expect(found).toEqual([`it runs as ${user}`]);
  });
});
