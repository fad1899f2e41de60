import { Composer, Lexer, Parser } from 'yaml';
import type { Document, LineCounter, Node } from 'yaml';

/** After so many parts of a document others have their turn. */
const PARTS_AT_ONCE = 1_000;

/**
 * The documents of a text, and `more` now and then on the way to one. Ends with the place where a document has too many
 * parts, if one has: putting it together would take as long as there are parts, and cannot be interrupted.
 */
export function* composed(
  text: string,
  { lines, partsMax = Infinity }: { lines?: LineCounter; partsMax?: number | undefined } = {},
): Generator<Document.Parsed | 'more' | { readonly tooLarge: number }> {
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    // Our own check below is linear; the package's compares each key with each.
    uniqueKeys: false,
    stringKeys: true,
    strict: true,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const parser = new Parser(lines?.addNewLine);
  lines?.addNewLine(0);
  let parts = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++parts > partsMax) {
      yield { tooLarge: parser.offset };
      return;
    }
    if (parts % PARTS_AT_ONCE === 0) yield 'more';
    for (const token of parser.next(lexeme)) {
      if (token.type === 'document') parts = 0;
      yield* composer.next(token);
    }
  }
  for (const token of parser.end()) yield* composer.next(token);
  yield* composer.end();
}

/**
 * The node of one document, read once more when somebody asks where something stands: nodes are many times as large as
 * their text, and most documents have no mistakes.
 */
export class LaterNode {
  private read: Node | undefined;

  /** @param range where the document stands in the text: its places are counted from there. */
  constructor(
    private readonly text: string,
    private readonly range: readonly [number, ...number[]],
  ) {}

  /** Where the document begins. */
  get start(): number {
    return this.range[0];
  }

  node(): Node {
    this.read ??= this.again();
    return this.read;
  }

  private again(): Node {
    for (const document of composed(this.text.slice(this.start, this.range.at(-1)))) {
      if (document !== 'more' && 'contents' in document && document.contents) {
        return document.contents;
      }
    }
    throw new Error('invariant broken: the same text has no such document');
  }
}
