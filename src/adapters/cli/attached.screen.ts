import type { ClientWorld } from './client.world.js';
import { writeBytes } from './output.writer.js';
import { ScreenModes } from './screen.modes.js';
import { spanText } from './styled.text.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const SIZE_MAX = 1_000;

/** The person's terminal while it is another's: keys go through as they are, and it is put right whatever happens. */
export class AttachedScreen implements Disposable {
  private readonly modes = new ScreenModes();
  private readonly atExit = () => this.restore();
  private isRaw = false;

  constructor(private readonly world: ClientWorld) {
    process.once('exit', this.atExit);
  }

  get size(): Size {
    const { columns = 80, rows = 24 } = this.world.output;
    const within = (count: number): number => Math.min(Math.max(count, 1), SIZE_MAX);
    return { columns: within(columns), rows: within(rows) };
  }

  /** From now on keys go through as they are: Ctrl-C too is for the other side. */
  raw(): void {
    this.isRaw = true;
    this.world.input.setRawMode?.(true);
    this.world.letThrough();
  }

  show(bytes: Uint8Array): Promise<void> | undefined {
    this.modes.see(bytes);
    return writeBytes(this.world.output, bytes);
  }

  /** A sentence on a line of its own, wherever the cursor is. */
  notice(sentence: string): void {
    const end = this.isRaw ? '\r\n' : '\n';
    // Nothing turns a line feed into a new line while the terminal is raw.
    this.world.screen.err(`${this.isRaw ? '\r\n' : ''}[hallpass] ${spanText(sentence)}${end}`);
  }

  /** Switches off what a program has left on that nobody will end any more. Keys go through as before. */
  settle(): void {
    const reset = this.modes.reset();
    if (reset !== '') this.world.output.write(reset);
  }

  /** The terminal as it was before. */
  restore(): void {
    this.settle();
    if (!this.isRaw) return;
    this.isRaw = false;
    this.world.input.setRawMode?.(false);
  }

  [Symbol.dispose](): void {
    this.restore();
    process.off('exit', this.atExit);
  }
}
