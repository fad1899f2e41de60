import { parentPort } from 'node:worker_threads';
import xterm from '@xterm/headless';

/*
 * Runs in a thread of its own, which is ended where it takes too long: what is shown is in the hands of whoever is being
 * recorded. It imports packages alone, so that it runs from source and from the built tree.
 */

type Event = readonly [atMs: number, code: string, data: string];
type Line = readonly [atMs: number, text: string];
type Request =
  | {
      readonly kind: 'open';
      readonly columns: number;
      readonly rows: number;
      readonly isTerminal: boolean;
    }
  | { readonly kind: 'feed'; readonly events: readonly Event[] }
  | { readonly kind: 'end' };

const COLUMNS_MAX = 1_000;
const ROWS_MAX = 500;
/** More than one piece can scroll away, so that no line is lost between two looks. */
const SCROLLBACK = 12_000;
const PIECE_CHARACTERS = 8_192;
/** What was shown for less is one picture with what came next. */
const STILL_MS = 100;
const LINE_CHARACTERS_MAX = 4_000;
/** Counts in control sequences that no screen needs; the terminal would count them all down. */
const LARGE_COUNT = /\d{5,}/g;
/** Looks that one chunk may cost. */
const LOOKS_MAX = 2_000;
/** Before these the picture is about to go: erasing, scrolling and moving lines, the other screen, reset. */

const BEFORE_LOSS = /(?=\x1b\[[\d;]*[JSTLM]|\x1b\[\?(?:47|1047|1049)[hl]|\x1bc)/;

const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

function bounded(value: number, max: number): number {
  return Math.min(Math.max(1, Math.trunc(value)), max);
}

class Reader {
  private readonly terminal;
  private marker: xterm.IMarker | undefined;
  /** The rows told last, at least a screen's worth: they are not told again for standing there still. */
  private recent: string[] = [];
  private looksLeft = LOOKS_MAX;
  private atMs = 0;
  private lines: Line[] = [];

  constructor(size: { columns: number; rows: number; isTerminal: boolean }) {
    this.terminal = new xterm.Terminal({
      cols: bounded(size.columns, COLUMNS_MAX),
      rows: bounded(size.rows, ROWS_MAX),
      scrollback: SCROLLBACK,
      convertEol: !size.isTerminal,
      allowProposedApi: true,
      logLevel: 'off',
    });
  }

  async feed(events: readonly Event[]): Promise<Line[]> {
    this.looksLeft = LOOKS_MAX;
    for (const [atMs, code, data] of events) {
      if (code !== 'o' && code !== 'r') continue;
      if (atMs - this.atMs >= STILL_MS) this.look();
      this.atMs = atMs;
      if (code === 'r') this.resize(data);
      else await this.show(data);
    }
    return this.told();
  }

  end(): Line[] {
    this.looksLeft = 2;
    this.leave();
    return this.told();
  }

  private async show(data: string): Promise<void> {
    const bounded = data.replace(LARGE_COUNT, countsOnly);
    // Each part costs the terminal a turn of the loop, a millisecond: where there are too many, they are shown as one.
    const split = bounded.split(BEFORE_LOSS);
    const parts = split.length <= this.looksLeft ? split : [bounded];
    for (const [index, part] of parts.entries()) {
      if (index > 0) this.leave();
      for (let at = 0; at < part.length; at += PIECE_CHARACTERS) {
        await new Promise<void>((done) => {
          this.terminal.write(part.slice(at, at + PIECE_CHARACTERS), done);
        });
        if (part.length > PIECE_CHARACTERS || index > 0) this.look();
      }
    }
  }

  private resize(data: string): void {
    const [columns, rows] = data.split('x').map(Number);
    if (columns === undefined || rows === undefined || !(columns > 0) || !(rows > 0)) return;
    this.look();
    this.terminal.resize(bounded(columns, COLUMNS_MAX), bounded(rows, ROWS_MAX));
    // Lines that were told are wrapped anew.
    const buffer = this.terminal.buffer.active;
    for (let row = 0; row < this.terminal.rows; row++)
      this.remember(buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '');
  }

  /** Tells the lines that are done: those above the cursor on the usual screen, all that changed on the other one. */
  private look(): void {
    if (this.looksLeft <= 0) return;
    this.looksLeft -= 1;
    const buffer = this.terminal.buffer.active;
    if (buffer.type === 'alternate') return this.changed(0, this.terminal.rows);
    const cursor = buffer.baseY + buffer.cursorY;
    const from = this.marker ? Math.max(0, this.marker.line) : 0;
    // What was changed above, or below where the cursor now is; then what has run past since the last look.
    this.changed(buffer.baseY, Math.min(from, cursor));
    if (from < cursor) this.tell(from, cursor);
    if (this.marker?.line === cursor) return;
    this.marker?.dispose();
    this.marker = this.terminal.registerMarker(0);
  }

  /** Tells also what is not done, as it is about to go. */
  private leave(): void {
    this.look();
    const buffer = this.terminal.buffer.active;
    if (buffer.type !== 'alternate' && this.looksLeft > 0)
      this.changed(buffer.baseY + buffer.cursorY, buffer.baseY + this.terminal.rows);
  }

  /** Tells rows that were not told a moment ago. */
  private changed(from: number, to: number): void {
    const buffer = this.terminal.buffer.active;
    const known = new Set(this.recent);
    for (let row = from; row < to; row++) {
      const text = buffer.getLine(row)?.translateToString(true) ?? '';
      if (text === '') continue;
      this.remember(text);
      if (!known.has(text)) this.add(text);
    }
  }

  /** Tells rows, those that wrap as one. */
  private tell(from: number, to: number): void {
    const buffer = this.terminal.buffer.active;
    let text = '';
    for (let row = from; row < to; row++) {
      const line = buffer.getLine(row);
      const goesOn = row + 1 < to && buffer.getLine(row + 1)?.isWrapped === true;
      const own = line?.translateToString(!goesOn) ?? '';
      if (to - row <= this.terminal.rows) this.remember(own.trimEnd());
      text += own;
      if (goesOn && text.length < LINE_CHARACTERS_MAX) continue;
      this.add(text);
      text = '';
    }
  }

  private remember(text: string): void {
    this.recent.push(text);
    const keep = 2 * this.terminal.rows;
    if (this.recent.length > 2 * keep) this.recent = this.recent.slice(-keep);
  }

  private add(text: string): void {
    const plain = text.replace(CONTROL, '').trimEnd();
    for (let at = 0; at < plain.length; at += LINE_CHARACTERS_MAX)
      this.lines.push([this.atMs, plain.slice(at, at + LINE_CHARACTERS_MAX).toWellFormed()]);
  }

  private told(): Line[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }
}

/** Large numbers stay where they are text: only those right behind an escape code are counts. */
function countsOnly(number: string, at: number, all: string): string {
  const before = all.slice(Math.max(0, at - 32), at);

  return /(?:\x1b\[|\x9b)[\d;:?]*$/.test(before) ? '9999' : number;
}

let reader: Reader | undefined;

async function answer(request: Request): Promise<Line[]> {
  if (request.kind === 'open') {
    reader = new Reader(request);
    return [];
  }
  if (!reader) throw new Error('nothing is open');
  return request.kind === 'feed' ? reader.feed(request.events) : reader.end();
}

parentPort?.on('message', (request: Request) => {
  void answer(request).then(
    (lines) => parentPort?.postMessage({ lines }),
    (error: unknown) => parentPort?.postMessage({ error: String(error) }),
  );
});
