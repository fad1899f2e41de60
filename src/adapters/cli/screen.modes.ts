/** What programs switch on in a terminal (DEC private modes, xterm) and switch off again when they end by themselves. */
const MODES: ReadonlySet<string> = new Set([
  '1', // cursor keys
  '9',
  '1000', // mouse
  '1001',
  '1002',
  '1003',
  '1004', // focus
  '1005',
  '1006',
  '1015',
  '47', // the other screen
  '1047',
  '1049',
  '2004', // pastes in brackets
]);
const CURSOR = '25';
const SEQUENCE_BYTES_MAX = 64;
const SWITCH = /\u001b\[\?([0-9;]{1,40})([hl])/g;

/** Notes which modes a program has left on, so that a terminal that is cut off is as it was before. */
export class ScreenModes {
  private readonly on = new Set<string>();
  private isCursorHidden = false;
  private rest = '';

  /** Looks at output as it passes. Sequences may be cut apart between two parts. */
  see(bytes: Uint8Array): void {
    const text = this.rest + Buffer.from(bytes).toString('latin1');
    for (const [, numbers = '', to] of text.matchAll(SWITCH)) {
      for (const mode of numbers.split(';')) {
        if (mode === CURSOR) this.isCursorHidden = to === 'l';
        else if (MODES.has(mode) && to === 'h') this.on.add(mode);
        else this.on.delete(mode);
      }
    }
    const start = text.lastIndexOf('\u001b');
    const isOpen =
      start >= 0 && text.length - start < SEQUENCE_BYTES_MAX && !/[a-zA-Z]/.test(text.slice(start));
    this.rest = isOpen ? text.slice(start) : '';
  }

  /** What sets the terminal right; empty where nothing was left on. */
  reset(): string {
    const off = [...this.on].map((mode) => `\u001b[?${mode}l`).join('');
    const cursor = this.isCursorHidden ? '\u001b[?25h' : '';
    this.on.clear();
    this.isCursorHidden = false;
    return off + cursor + (off === '' ? '' : '\u001b[0m');
  }
}
