/** After a text and white space: that text is the name of a member. */
const IS_NAME = /[ \t\r\n]*:/y;

/**
 * Whether an object in this text has two members of one name, which I-JSON forbids (RFC 7493 §2.3): parsers differ in
 * which of the two they take, so what one of them approved the other would not have seen. The text is JSON.
 */
export function hasNameTwice(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfText(text, index);
      IS_NAME.lastIndex = end;
      if (IS_NAME.test(text)) {
        const names = open.at(-1);
        const name = nameIn(text.slice(index, end));
        if (names?.has(name) === true) return true;
        names?.add(name);
      }
      index = end - 1;
    }
  }
  return false;
}

/** The place after the quotation mark that ends the text that begins at `start`. */
function endOfText(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index + 1;
}

/** Escapes are read: `"a"` and `"\u0061"` are one name. */
function nameIn(quoted: string): string {
  return quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
}
