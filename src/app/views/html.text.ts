/** Text that is HTML already. Nothing else is put into a page without being escaped. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | null | undefined | false | readonly Html[];

/** HTML from a template: what is put in is escaped, unless it is {@link Html} itself; null, undefined and false are nothing. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const texts = strings.map((text, at) => text + (at < parts.length ? partText(parts[at]) : ''));
  return new Html(texts.join(''));
}

function partText(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map((it) => it.text).join('');
  return escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text as HTML shows it, in an element as in an attribute in quotes. What a reader could not see, or what would dress up
 * the text around it, is shown by its number: controls, marks that reorder text (UAX #9), and halves of characters.
 */
export function escaped(text: string): string {
  return text
    .replace(INVISIBLE, (it) => `⟨U+${hexadecimal(it)}⟩`)
    .replaceAll(/[&<>"']/g, (it) => ENTITIES[it] ?? '');
}

const INVISIBLE =
  /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\ufffe\uffff]|\u034f|\u17b4|\u17b5/gu;

function hexadecimal(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
