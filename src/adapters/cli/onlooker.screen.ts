import { AttachedScreen } from './attached.screen.js';
import type { Running } from './client.command.js';
import type { ExitCode } from './exit.codes.js';
import { exitOfSignal, SIGNALS } from './exit.codes.js';

const LEAVING_KEYS: ReadonlySet<number> = new Set([3, 'q'.charCodeAt(0)]);

/**
 * The terminal of somebody who looks on: what was shown elsewhere reaches it as it is, and Ctrl-C or `q` leaves. Where it
 * is no terminal, bytes pass as they are.
 */
export class OnlookerScreen implements Disposable {
  /** What to end with, where they left. */
  ending: ExitCode | undefined;
  private readonly screen: AttachedScreen;
  private readonly stopListening: () => void;
  private readonly isTerminal: boolean;
  private readonly heard = (bytes: Buffer): void => {
    if (bytes.some((byte) => LEAVING_KEYS.has(byte))) this.end(exitOfSignal(SIGNALS.interrupt));
  };

  constructor(
    private readonly running: Running,
    private readonly leave: () => void,
  ) {
    const { input, output, signals } = running.world;
    this.screen = new AttachedScreen(running.world);
    this.isTerminal = input.isTTY === true && output.isTTY === true;
    this.stopListening = signals.listen((signal) => this.end(exitOfSignal(signal)));
    if (!this.isTerminal) return;
    input.on('data', this.heard).resume();
    this.screen.raw();
  }

  show(text: string): Promise<void> | undefined {
    return this.screen.show(Buffer.from(text));
  }

  notice(sentence: string): void {
    this.screen.notice(sentence);
  }

  [Symbol.dispose](): void {
    this.screen[Symbol.dispose]();
    this.stopListening();
    if (this.isTerminal) this.running.world.input.off('data', this.heard).pause();
  }

  private end(ending: ExitCode): void {
    this.ending ??= ending;
    this.leave();
  }
}
