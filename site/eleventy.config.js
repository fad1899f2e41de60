import { IdAttributePlugin, InputPathToUrlTransformPlugin } from '@11ty/eleventy';
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { env } from 'node:process';

/** What the site has, in the order in which a stranger reads it: every page of `docs/` once. */
const CONTENTS = JSON.parse(readFileSync('site/contents.json', 'utf8')).map(({ title, pages }) => ({
  title,
  pages: pages.flatMap(pagesOf),
}));

/** Where files that are no pages can be seen; without it their names are not links. */
const SOURCE_URL = env['DOCS_SOURCE_URL'];

/** The site: Markdown of `docs/` as plain pages, without any script. */
export default function site(eleventy) {
  eleventy.addPlugin(IdAttributePlugin);
  eleventy.addPlugin(InputPathToUrlTransformPlugin);
  eleventy.addPassthroughCopy({ 'site/style.css': 'style.css', 'docs/pictures': 'pictures' });
  eleventy.addGlobalData('layout', 'page.njk');
  eleventy.addGlobalData('contents', () =>
    CONTENTS.map(({ title, pages }) => ({ title, pages: pages.map(entryOf) })),
  );
  eleventy.addGlobalData('eleventyComputed', {
    title: ({ page }) => titleOf(page.inputPath),
  });
  eleventy.amendLibrary('md', (md) =>
    md.set({ html: false, typographer: false }).use(outside).use(pictures),
  );
  return {
    dir: { input: 'docs', includes: '../site/_includes' },
    templateFormats: ['md'],
    // What is in braces is part of a page, and nothing to be computed.
    markdownTemplateEngine: false,
    pathPrefix: env['DOCS_PATH'] ?? '/',
  };
}

/** `folder/*` stands for all of a folder but its README. */
function pagesOf(name) {
  if (!name.endsWith('/*')) return [name];
  const folder = name.slice(0, -2);
  const files = readdirSync(`docs/${folder}`).filter((it) => /^(?!README).*\.md$/.test(it));
  return files.sort().map((file) => `${folder}/${file.slice(0, -'.md'.length)}`);
}

function entryOf(name) {
  const path = name.replace(/(^|\/)(index|README)$/, '$1');
  const url =
    name === 'index' ? '/' : `/${name.endsWith('README') ? name : path.replace(/\/$/, '')}/`;
  return { url, title: titleOf(`docs/${name}.md`) };
}

/** The text of a page's first heading. */
function titleOf(path) {
  const heading = /^# (.+)$/m.exec(readFileSync(path, 'utf8'));
  if (!heading?.[1]) throw new Error(`${path} has no heading`);
  return heading[1].replaceAll('`', '');
}

/** Links to files outside `docs/` lead to the source, where it is said where that is. */
function outside(md) {
  md.core.ruler.push('outside', ({ tokens, env }) => {
    const folder = posix.dirname(posix.normalize(env.page.inputPath));
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null;
        if (!href || /^([a-z]+:|#|\/)/i.test(href)) continue;
        const [path = '', anchor] = posix.join(folder, href).split('#');
        if (path.startsWith('docs/') && path.endsWith('.md')) continue;
        const to = anchor === undefined ? path : `${path}#${anchor}`;
        if (SOURCE_URL === undefined) token.attrs = [['title', `the file ${to}`]];
        else token.attrSet('href', `${SOURCE_URL.replace(/\/$/, '')}/${to}`);
      }
    }
  });
}

/** Pictures lie beside the pages, each of which has a folder of its own in the site. */
function pictures(md) {
  md.core.ruler.push('pictures', ({ tokens, env }) => {
    const folder = posix.dirname(posix.normalize(env.page.inputPath));
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const src = token.type === 'image' ? token.attrGet('src') : null;
      if (!src || /^([a-z]+:|\/)/i.test(src)) continue;
      const path = posix.join(folder, src).slice('docs'.length);
      token.attrSet('src', posix.relative(env.page.url, path));
    }
  });
}
