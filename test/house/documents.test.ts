import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exampleOf } from '../../scripts/configuration.document.js';
import { madeDocuments } from '../../scripts/documents.js';
import { readPolicyDocuments } from '../../src/adapters/policy/policy.documents.js';
import { describeConfig } from '../../src/config/config.keys.js';
import { configSchema } from '../../src/config/config.schema.js';

describe('documents that are made from code', () => {
  test('are what the code gives: `npm run docs` would change nothing', async () => {
    const made = await madeDocuments();
    expect(made).toHaveLength(16);
    for (const { path, text } of made) {
      expect(await readFile(path, 'utf8'), `${path}: run npm run docs`).toBe(text);
    }
  });

  test('tell of every key what it is and give an example', () => {
    for (const key of describeConfig()) {
      const isGroup = key.kind === 'object' || key.accepts === 'list of objects';
      if (isGroup) continue;
      expect(key.description, key.path).not.toBe('');
      expect(key.example, key.path).toBeDefined();
    }
  });

  test('show an example of the configuration that is accepted', () => {
    expect(configSchema.safeParse(exampleOf(describeConfig())).error).toBeUndefined();
  });
});

describe('documents that are written by hand', () => {
  const documents = async (): Promise<string[]> => {
    const root = (await readdir('.')).filter((name) => name.endsWith('.md'));
    const docs = (await readdir('docs', { recursive: true }))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name));
    return [...root, ...docs];
  };

  const exists = async (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );

  test('name only files that are there', async () => {
    const missing: string[] = [];
    for (const document of await documents()) {
      for (const path of filesNamed(await readFile(document, 'utf8'))) {
        const isThere = (await exists(path)) || (await exists(join(document, '..', path)));
        if (!isThere) missing.push(`${document}: ${path}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test('name only npm commands that exist', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    const unknown: string[] = [];
    for (const document of await documents()) {
      for (const command of commandsNamed(await readFile(document, 'utf8'))) {
        if (!Object.hasOwn(scripts, command)) unknown.push(`${document}: npm run ${command}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  test('link each sentence of the semantics to tests that exist', async () => {
    const text = await readFile('docs/policy-semantics.md', 'utf8');
    const sentences = text.split(/^- /m).slice(1);
    expect(sentences.length).toBeGreaterThan(20);
    const unheld: string[] = [];
    for (const sentence of sentences) {
      const links = [...sentence.matchAll(/\[([^\]]+)\]\(\.\.\/([^)]+\.test\.ts)\)/g)];
      if (links.length === 0) unheld.push(`no test: ${sentence}`);
      for (const [, title = '', path = ''] of links) {
        const source = await readFile(path, 'utf8');
        const plain = title.replaceAll(/\s+/g, ' ');
        if (!source.includes(`'${plain}'`)) unheld.push(`${path}: ${plain}`);
      }
    }
    expect(unheld).toEqual([]);
  });

  test.each([
    ['docs/slack.md', '## What can go wrong', 25],
    ['docs/faults.md', '## What can break', 15],
  ])('name for each fault in %s a test that exists', async (document, heading, atLeast) => {
    const text = await readFile(document, 'utf8');
    const files = new Map(
      [...text.matchAll(/^\[(\w+)\]: \.\.\/(\S+\.test\.ts)$/gm)].map(([, name = '', path = '']) => [
        name,
        path,
      ]),
    );
    const [, table = ''] = text.split(heading);
    const rows = table.split('\n').filter((line) => /^\| (?!what |-)/.test(line));
    expect(rows.length).toBeGreaterThan(atLeast);
    const unheld: string[] = [];
    for (const row of rows) {
      const links = [...row.matchAll(/\[([^\]]+)\]\[(\w+)\]/g)];
      if (links.length === 0) unheld.push(`no test: ${row}`);
      for (const [, title = '', name = ''] of links) {
        const path = files.get(name);
        const source = path === undefined ? '' : await readFile(path, 'utf8');
        if (!source.includes(`'${title}'`)) unheld.push(`${path ?? name}: ${title}`);
      }
    }
    expect(unheld).toEqual([]);
  });

  test('show policies that are accepted', async () => {
    const text = await readFile('docs/policies.md', 'utf8');
    const examples = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(1);
    const set = readPolicyDocuments([{ name: 'docs/policies.md', text: examples.join('---\n') }]);
    expect(set).toHaveProperty('hash');
  });

  test('are looked through for the ways in which files and commands are named', () => {
    const text = [
      'See [the map](docs/map.md#top), `src/main.ts`, `test/**/*.test.ts` and https://example.com/a.md.',
      'Run `npm run demo`, or `npm test -- x`; then `npm run --silent bench -- sessions`.',
      '`/etc/hallpass/hallpass.yaml` and `team/*` are elsewhere, `docs/gone.md:12` is not, nor is `.ci/run`.',
    ].join('\n');
    expect(filesNamed(text)).toEqual(['docs/map.md', 'src/main.ts', 'docs/gone.md', '.ci/run']);
    expect(commandsNamed(text)).toEqual(['demo', 'bench', 'test']);
  });
});

const FOLDERS = 'src|test|sandbox|scripts|bench|docs|prisma|deploy|helm|web|\\.ci';

/** Paths in links, and in code spans those that begin with a folder of ours. Patterns are not followed. */
function filesNamed(text: string): string[] {
  const links = [...text.matchAll(/\]\((?!\w+:|#)([^)\s#]+)[^)]*\)/g)].map((match) => match[1]);
  const spans = [...text.matchAll(new RegExp(`\`((?:${FOLDERS})/[^\`\\s]*)\``, 'g'))].map((match) =>
    match[1]?.replace(/(:\d+)+$/, ''),
  );
  return [...links, ...spans].filter(
    (path): path is string => path !== undefined && !/[*<>{}…]/.test(path),
  );
}

/** The scripts that `npm run x` (flags of npm's own before the name or not), `npm test` and `npm start` name. */
function commandsNamed(text: string): string[] {
  const run = [...text.matchAll(/\bnpm run (?:--[\w-]+ )*(\w[\w:-]*)/g)].map(
    (match) => match[1] ?? '',
  );
  const short = [...text.matchAll(/\bnpm (test|start)\b/g)].map((match) => match[1] ?? '');
  return [...run, ...short];
}
