/** An ellipsis stands for what was cut. */
const CUT = '…';

/** Controls, marks that reorder text (UAX #9) and characters that show nothing: what could dress a text up. */
const UNSEEN =
  /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|\u034f|\u17b4|\u17b5/gu;

/** The three characters that Slack takes for its own (`<!channel>`, `<https://…|elsewhere>`). */
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text from elsewhere with what it hides made visible: `⟨U+202E⟩`. Line ends stay. */
export function shown(text: string): string {
  return text.toWellFormed().replaceAll('\r\n', '\n').replace(UNSEEN, named);
}

function named(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** Text from elsewhere for a place where Slack parses nothing, `max` UTF-16 units at most. Never empty. */
export function literal(text: string, max: number): string {
  return clipped(shown(text), max, (character) => character) || '–';
}

/** The same, cut in the middle: what tells names apart is often at their ends. */
export function amid(text: string, max: number): string {
  const whole = [...shown(text)];
  if (whole.join('').length <= max) return whole.join('') || '–';
  const room = Math.floor((max - CUT.length) / 2);
  const begin = clipped(whole.join(''), room + CUT.length, (character) => character);
  const end: string[] = [];
  let length = 0;
  for (const character of whole.toReversed()) {
    length += character.length;
    if (length > room) break;
    end.unshift(character);
  }
  return begin + end.join('');
}

/** The same for a place where Slack parses, so that it reads as it was written. An entity is never cut. */
export function escaped(text: string, max: number): string {
  return clipped(shown(text), max, (character) => ENTITIES[character] ?? character) || '–';
}

/** A name from elsewhere as code: on one line, and without what would end the code. */
export function code(text: string, max = 300): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('`', 'ˋ');
  return `\`${escaped(line, max - 2)}\``;
}

function clipped(text: string, max: number, written: (character: string) => string): string {
  const parts: string[] = [];
  let length = 0;
  for (const character of text) {
    const part = written(character);
    if (length + part.length > max) {
      // Room for the ellipsis is made where there is none.
      while (length + CUT.length > max) length -= parts.pop()?.length ?? max;
      return parts.join('') + CUT;
    }
    parts.push(part);
    length += part.length;
  }
  return parts.join('');
}

/** An instant, in the reader's own time zone. */
export function instant(at: Date): string {
  const seconds = Math.floor(at.getTime() / 1000);
  return `<!date^${seconds}^{date_short_pretty} {time}|${at.toISOString()}>`;
}

/** `1 h 30 min`. */
export function length(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return told.slice(0, 2).join(' ') || '0 s';
}
