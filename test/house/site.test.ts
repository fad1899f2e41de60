import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

let folder: string;
/** Pages as they are served, by address. */
let pages: Map<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-site-'));
  const args = ['--config=site/eleventy.config.js', `--output=${folder}`, '--quiet'];
  await promisify(execFile)('node_modules/.bin/eleventy', args);
  const files = (await readdir(folder, { recursive: true })).filter((it) => it.endsWith('.html'));
  const read = files.map(async (file) => {
    const text = await readFile(join(folder, file), 'utf8');
    return [`/${file.replace(/index\.html$/, '')}`, text] as const;
  });
  pages = new Map(await Promise.all(read));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the site has every document once among its contents', async () => {
  const documents = (await readdir('docs', { recursive: true })).filter((it) => it.endsWith('.md'));
  const contents = JSON.parse(await readFile('site/contents.json', 'utf8'));
  const groups = z.array(z.object({ pages: z.array(z.string()) })).parse(contents);
  // `folder/*` stands for all of a folder but its README.
  const isOf = (pattern: string, file: string) =>
    pattern.endsWith('/*')
      ? file.startsWith(pattern.slice(0, -1)) && !file.endsWith('/README.md')
      : `${pattern}.md` === file;
  const patterns = groups.flatMap((group) => group.pages);
  const times = documents.map((file) => [file, patterns.filter((it) => isOf(it, file)).length]);
  expect(times.filter(([, count]) => count !== 1)).toEqual([]);
  expect(patterns.filter((it) => !documents.some((file) => isOf(it, file)))).toEqual([]);
  expect(pages.size).toBe(documents.length);
});

test('every link of the site leads to a page of it, and to a place that is there', () => {
  const broken: string[] = [];
  for (const [page, text] of pages) {
    for (const [, href = ''] of text.matchAll(/<a [^>]*href="([^"]+)"/g)) {
      if (/^[a-z]+:/i.test(href)) continue;
      const to = new URL(href, `https://site${page}`);
      const target = pages.get(to.pathname);
      const id = decodeURIComponent(to.hash.slice(1));
      if (target === undefined || (id !== '' && !target.includes(`id="${id}"`))) {
        broken.push(`${page}: ${href}`);
      }
    }
  }
  expect(broken).toEqual([]);
});

test('every picture of the site is there', async () => {
  const shown: string[] = [];
  for (const [page, text] of pages) {
    for (const [, src = ''] of text.matchAll(/<img [^>]*src="([^"]+)"/g)) {
      shown.push(new URL(src, `https://site${page}`).pathname);
    }
  }
  expect(shown.length).toBeGreaterThan(0);
  const files = new Set(await readdir(folder, { recursive: true }));
  expect(shown.filter((path) => !files.has(path.slice(1)))).toEqual([]);
});

test('the pages run nothing, and ask for nothing from elsewhere', () => {
  for (const [page, text] of pages) {
    expect(text.match(/<(script|iframe|object|form)\b|<[a-z][^>]* on[a-z]+=/g), page).toBeNull();
    expect(text.match(/(?:src|<link[^>]* href)="https?:/g), page).toBeNull();
    expect(text, page).toContain('Content-Security-Policy');
  }
});
