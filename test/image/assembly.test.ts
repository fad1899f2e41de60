import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTree, treeDigest } from '../../scripts/image/file.tree.js';
import type { AssembledImage } from '../../scripts/image/image.assembly.js';
import { assembleImage } from '../../scripts/image/image.assembly.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-assembly-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PROJECT = {
  '.dockerignore': '*\n!a\n!b.txt\n**/*.secret\n',
  'a/one.txt': 'one',
  'a/deep/two.txt': 'two',
  'a/deep/x.secret': 'secret',
  'b.txt': 'b',
  'c.txt': 'kept away',
};

async function assemble(
  dockerfile: string,
  args: Record<string, string> = {},
): Promise<AssembledImage> {
  const project = await mkdtemp(join(folder, 'project-'));
  for (const [name, text] of Object.entries({ ...PROJECT, Dockerfile: dockerfile })) {
    await mkdir(dirname(join(project, name)), { recursive: true });
    await writeFile(join(project, name), text);
  }
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  return assembleImage({
    project,
    scratch,
    args: new Map(Object.entries(args)),
    say: () => undefined,
  });
}

const filesOf = async ({ root }: AssembledImage): Promise<string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();

describe('an assembly', () => {
  test('copies like an engine: what a folder holds, less what .dockerignore names', async () => {
    const image = await assemble(
      'FROM base\nWORKDIR /app\nCOPY a x\nCOPY b.txt y/\nCOPY a/one.txt b.txt ./\n',
    );
    expect(await filesOf(image)).toEqual([
      '/app/b.txt',
      '/app/one.txt',
      '/app/x/deep/two.txt',
      '/app/x/one.txt',
      '/app/y/b.txt',
    ]);
  });

  test('goes on from stages, copies from them, and keeps of each only what is taken', async () => {
    const image = await assemble(
      `FROM base AS one
WORKDIR /app
COPY a/one.txt ./
FROM one AS two
RUN cat one.txt one.txt >twice.txt
FROM base
COPY --from=two --chown=0:0 /app/twice.txt /out/twice.txt
`,
    );
    expect(await filesOf(image)).toEqual(['/out/twice.txt']);
    expect(await readFile(join(image.root, 'out/twice.txt'), 'utf8')).toBe('oneone');
  });

  test('gives a stage only the arguments that it names, and the builder the last word', async () => {
    const text = `ARG WHAT=default
FROM base
ENV BASE=/opt
RUN echo "[$WHAT]" >before
ARG WHAT
RUN echo "$WHAT in $BASE" >after
LABEL what="\${WHAT}"
`;
    const image = await assemble(text);
    expect(await readFile(join(image.root, 'before'), 'utf8')).toBe('[]\n');
    expect(await readFile(join(image.root, 'after'), 'utf8')).toBe('default in /opt\n');
    const given = await assemble(text, { WHAT: 'given' });
    expect(given).toMatchObject({ env: { BASE: '/opt' }, labels: { what: 'given' } });
    await expect(assemble(text, { WHAY: 'x' })).rejects.toThrow('no argument WHAY');
  });

  test('runs steps with the Node that runs it', async () => {
    const image = await assemble('FROM base\nRUN node --version >version\n');
    expect(await readFile(join(image.root, 'version'), 'utf8')).toBe(`${process.version}\n`);
  });

  test('has one digest for the same files, and another for any change', async () => {
    const of = async (more: string) => {
      const image = await assemble(
        `FROM base\nCOPY a a\nRUN ${more} && find . -exec touch -d @0 {} +\n`,
      );
      return treeDigest(readTree(image.root));
    };
    const digest = await of('true');
    expect(await of('true')).toBe(digest);
    for (const change of [
      'touch new',
      'chmod 600 a/one.txt',
      'echo 2 >a/one.txt',
      'rm a/one.txt',
    ]) {
      expect(await of(change)).not.toBe(digest);
    }
  });

  test.each([
    ['HEALTHCHECK CMD true', 'HEALTHCHECK is not known'],
    ['ADD a b', 'ADD is not known'],
    ['VOLUME /data', 'VOLUME is not known'],
    ['RUN --network=none true', '--network is not known'],
    ['RUN --mount=type=bind,source=a,target=b true', 'type=bind'],
    ['RUN ["true"]', 'exec form is not known'],
    ['RUN <<E\ntrue\nE', 'heredoc'],
    ['COPY --link a b', '--link is not known'],
    ['COPY a* b', 'pattern'],
    ['COPY --from=nobody /a b', 'no stage before'],
    ['ENTRYPOINT true', 'shell form'],
    ['WORKDIR $NOWHERE', 'not a variable that is set here'],
    ['RUN rm -rf /opt/data', "this machine's own"],
    ['COPY c.txt .', 'keeps c.txt away'],
    ['COPY ../Dockerfile .', 'is not there'],
    ['RUN echo broken >&2; exit 3', 'broken'],
  ])('refuses what it cannot carry out as an engine would: %s', async (step, why) => {
    await expect(assemble(`FROM base\n${step}\n`)).rejects.toThrow(why);
  });
});
