import { AttachedScreen } from './attached.screen.js';
import type { Running } from './client.command.js';
import type { ExitCode } from './exit.codes.js';
import { exitOfSignal, SIGNALS } from './exit.codes.js';
import { HarmlessOutput, SOFT_RESET } from './harmless.output.js';

const LEAVING_KEYS: ReadonlySet<number> = new Set([3, 'q'.charCodeAt(0)]);

/**
 * The terminal of somebody who looks on: what was shown elsewhere reaches it as far as it only draws, and Ctrl-C or `q`
 * leaves. Where it is no terminal the same is written: who reads it may show it on one.
 */
export class OnlookerScreen implements Disposable {
  /** What to end with, where they left. */
  ending: ExitCode | undefined;
  private readonly screen: AttachedScreen;
  private readonly stopListening: () => void;
  private readonly isTerminal: boolean;
  /** By recording: several may be shown in turn, each with a sequence that it has begun. */
  private readonly outputs = new Map<string, HarmlessOutput>();
  // A key that was pressed comes alone. Within other bytes it was not: terminals send bytes of their own accord.
  private readonly heard = (bytes: Buffer): void => {
    if (bytes.every((byte) => LEAVING_KEYS.has(byte))) this.end(exitOfSignal(SIGNALS.interrupt));
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

  /** @param recording whose output it is. */
  show(recording: string, text: string): Promise<void> | undefined {
    const output = this.outputs.get(recording) ?? new HarmlessOutput();
    this.outputs.set(recording, output);
    return this.screen.show(Buffer.from(output.pass(text)));
  }

  /** Nothing more comes of that recording. */
  ended(recording: string): void {
    this.outputs.delete(recording);
  }

  notice(sentence: string): void {
    this.screen.notice(sentence);
  }

  [Symbol.dispose](): void {
    if (this.isTerminal) void this.screen.show(Buffer.from(SOFT_RESET));
    this.screen[Symbol.dispose]();
    this.stopListening();
    if (this.isTerminal) this.running.world.input.off('data', this.heard).pause();
  }

  private end(ending: ExitCode): void {
    this.ending ??= ending;
    this.leave();
  }
}
