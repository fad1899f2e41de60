import { plainText } from '../../../domain/text.js';

/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | null | undefined | false | Html | readonly Html[];

const SHOWN_CHARACTERS_MAX = 4_000;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * HTML with what people wrote in it: every part that is not {@link Html} itself is text, without marks that reorder or
 * hide it, and escaped for elements and for attributes in quotes. Null, undefined and false are nothing.
 */
export function markup(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(
    texts
      .map((text, index) => `${text}${index < parts.length ? shown(parts[index]) : ''}`)
      .join(''),
  );
}

function shown(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return escaped(plainText(String(part), SHOWN_CHARACTERS_MAX).replace(INVISIBLE, '\u25a1'));
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** What is there and not seen: two names that look the same would not be. */
const INVISIBLE = /\p{Cf}|\u034f|\u115f|\u1160|\u17b4|\u17b5|\u2028|\u2029|\u3164|\uffa0/gu;
