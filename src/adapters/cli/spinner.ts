import type { Running } from './client.command.js';
import { spanText } from './styled.text.js';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 120;
const CLEAR_LINE = '\r\u001b[2K';

/**
 * One line that says what is waited for. On a terminal it moves, and its sentence is made anew each second, so that what
 * it says of the time is true; elsewhere each new state is a line.
 */
export class Spinner implements Disposable {
  private frame = 0;
  private timer: NodeJS.Timeout | undefined;
  private said: string | undefined;
  private key: string | undefined;
  private sentence: () => string = () => '';

  constructor(private readonly running: Running) {}

  /** @param key is another where there is something new to say, however the time goes. */
  show(key: string, sentence: () => string): void {
    this.sentence = sentence;
    if (!this.moves) {
      if (this.key !== key) this.running.tell(sentence());
      this.key = key;
      return;
    }
    this.timer ??= setInterval(() => this.draw(), FRAME_MS);
    this.draw();
  }

  /** Takes the line away, so that something else can be said. */
  hide(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.said !== undefined) this.running.world.errors.write(CLEAR_LINE);
    this.said = undefined;
  }

  [Symbol.dispose](): void {
    this.hide();
  }

  private get moves(): boolean {
    return this.running.world.errors.isTTY === true;
  }

  private draw(): void {
    const { columns = 80 } = this.running.world.errors;
    this.frame = (this.frame + 1) % FRAMES.length;
    this.said = `${FRAMES[this.frame]} ${spanText(this.sentence())}`;
    const shown = this.said.length < columns ? this.said : `${this.said.slice(0, columns - 2)}…`;
    this.running.world.errors.write(`${CLEAR_LINE}${shown}`);
  }
}
