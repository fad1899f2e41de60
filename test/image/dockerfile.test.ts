import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { CopySource } from '../../scripts/image/build.context.js';
import type { DockerfileRead } from '../../scripts/image/dockerfile.reader.js';
import { readDockerfile } from '../../scripts/image/dockerfile.reader.js';
import { assembleImage } from '../../scripts/image/image.assembly.js';

const FILES = ['Dockerfile', 'deploy/toolbox/Dockerfile'];
const DIGEST = `@sha256:${'0'.repeat(64)}`;

let folder: string;
let texts: Map<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-dockerfile-'));
  const read = FILES.map(
    async (file) => [file, await readFile(join(PROJECT_ROOT, file), 'utf8')] as const,
  );
  texts = new Map(await Promise.all(read));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const textOf = (file: string): string => texts.get(file) ?? '';
const bases = ({ args }: DockerfileRead): string[] => [...args.keys()];

describe.each(FILES)('%s', (file) => {
  test('goes on from nothing but its own stages and images that the builder names', () => {
    const dockerfile = readDockerfile(textOf(file));
    const stages = dockerfile.stages.map(({ name }) => name);
    for (const { base } of dockerfile.stages) {
      expect([...stages, ...bases(dockerfile).map((name) => `\${${name}}`)]).toContain(base);
    }
    expect(bases(dockerfile).length).toBeGreaterThan(0);
  });

  test('is not built on an image without a digest, unless the builder says so', async () => {
    // Its beginning is all that there is to try: the check of the digests comes before any other step.
    const text = textOf(file);
    const project = await mkdtemp(join(folder, 'guard-'));
    const end = text.indexOf('\n', text.search(/^ +(done|fi)$/m));
    await writeFile(join(project, 'Dockerfile'), text.slice(0, end));
    const names = bases(readDockerfile(text));
    const build = async (args: readonly (readonly [string, string])[]) => {
      const scratch = await mkdtemp(join(folder, 'scratch-'));
      return assembleImage({ project, scratch, args: new Map(args), say: () => undefined });
    };
    const pinned = names.map((name) => [name, `example.com/base${DIGEST}`] as const);
    await expect(build(pinned)).resolves.toBeDefined();
    await expect(build([])).rejects.toThrow('is not given by digest');
    await expect(build([['ALLOW_UNPINNED', 'yes']])).resolves.toBeDefined();
    for (const name of names) {
      const others = pinned.filter(([other]) => other !== name);
      for (const reference of ['example.com/base:1', 'example.com/base@sha256:123']) {
        const build1 = build([...others, [name, reference]]);
        await expect(build1).rejects.toThrow(`${reference} is not given by digest`);
      }
    }
  });

  test('starts as a user who is not root, without a shell between', () => {
    const steps = readDockerfile(textOf(file)).stages.at(-1)?.steps ?? [];
    const users = steps.flatMap((step) => (step.kind === 'user' ? [step.value] : []));
    expect(users).toEqual(['65532:65532']);
  });
});

describe('the image of the service', () => {
  const last = () => readDockerfile(textOf('Dockerfile')).stages.at(-1)?.steps ?? [];

  test('runs nothing in its last stage, where no shell is', () => {
    expect(last().filter(({ kind }) => kind === 'run')).toEqual([]);
  });

  test('has the version of package.json on its label', () => {
    const version = last().find((step) => step.kind === 'arg' && step.name === 'VERSION');
    expect(version).toMatchObject({ value: packageJson.version });
  });

  test('serves where no other command is given', () => {
    expect(last()).toContainEqual(
      expect.objectContaining({ kind: 'entrypoint', words: ['node', '/app/dist/src/server.js'] }),
    );
    expect(last()).toContainEqual(expect.objectContaining({ kind: 'cmd', words: ['serve'] }));
  });

  test('is made from what the engine is sent, and that is nothing of tests, of git or of this machine', async () => {
    const context = CopySource.context(PROJECT_ROOT);
    const steps = readDockerfile(textOf('Dockerfile')).stages.flatMap((stage) => stage.steps);
    const copies = steps.flatMap((step) =>
      step.kind === 'copy' && step.from === undefined ? [step.sources] : [],
    );
    const sent = await mkdtemp(join(folder, 'sent-'));
    for (const sources of copies) {
      for (const source of sources) context.copy([source], join(sent, source));
    }
    const names = await readdir(sent, { recursive: true });
    expect(names.filter((name) => /\.test\.ts$|(^|\/)\./.test(name))).toEqual([]);
    expect(existsSync(join(sent, 'src/server.ts'))).toBe(true);
    for (const kept of ['.git/HEAD', 'README.md', 'test/image/dockerfile.test.ts', '.ci/run']) {
      if (!existsSync(join(PROJECT_ROOT, kept))) continue;
      expect(() => context.copy([kept], join(sent, 'kept'))).toThrow('keeps');
    }
  });
});
