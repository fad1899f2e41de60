/** An element of a page: its name, its attributes, and the names of those around it. */
export interface PlainElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

const TOKEN =
  /<!doctype html>|<(?<close>\/?)(?<name>[a-z][a-z0-9]*)(?<attributes>(?:\s+[a-z-]+="[^"<>]*")*)\s*(?<self>\/?)>|(?<text>[^<>]+)/gy;
const VOID: ReadonlySet<string> = new Set(['meta', 'br']);
/** References that stand for a character; no other ampersand may be there. */
const REFERENCE = /&(?:amp|lt|gt|quot|#39);/g;
const CHARACTERS: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};

/**
 * Reads HTML that uses nothing which parsers differ about: every element is closed, every attribute is in quotes, nothing
 * but five references. Far stricter than a browser: what this reads, every browser reads the same.
 *
 * @throws where the page is not so.
 */
export function readPlainPage(page: string): { elements: PlainElement[]; text: string } {
  const elements: PlainElement[] = [];
  const open: string[] = [];
  let text = '';
  let at = 0;
  for (const { 0: token, index, groups = {} } of page.matchAll(TOKEN)) {
    if (index !== at) break;
    at += token.length;
    const { name, attributes = '', close, self } = groups;
    if (groups['text'] !== undefined) {
      if (open.at(-1) !== 'style') text += characters(token);
    } else if (name !== undefined && close === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> closes something else at ${index}`);
    } else if (name !== undefined) {
      const pairs = [...attributes.matchAll(/([a-z-]+)="([^"]*)"/g)].map(
        ([, key = '', value = '']) => [key, characters(value)] as const,
      );
      elements.push({ name, attributes: new Map(pairs) });
      if (!VOID.has(name) && self === '') open.push(name);
    }
  }
  if (at !== page.length) throw new Error(`no plain HTML at ${at}: ${page.slice(at, at + 80)}`);
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
  return { elements, text };
}

/** What text with references stands for. @throws where there is an ampersand that is of none. */
export function characters(text: string): string {
  if (text.replaceAll(REFERENCE, '').includes('&')) throw new Error(`a stray & in ${text}`);
  return text.replaceAll(REFERENCE, (it) => CHARACTERS[it] ?? '');
}
