import { AttachedScreen } from './attached.screen.js';
import type { CastEvent, CastHeader } from './cast.events.js';
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
  private readonly shown = new Map<string, { output: HarmlessOutput; hadTerminal: boolean }>();
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

  /** Shows an event of a recording; `who` begins each sentence of ours about it. */
  event(recording: string, { code, data }: CastEvent, who = ''): Promise<void> | undefined {
    if (code === 'm') this.notice(who + data);
    if (code === 'x') {
      this.notice(`${who}ended with ${data}`);
      this.shown.delete(recording);
    }
    return code === 'o' ? this.show(recording, data) : undefined;
  }

  header(recording: string, { title, size, hadTerminal }: CastHeader, who = ''): void {
    this.begin(recording, hadTerminal);
    this.notice(`${who}${title}${hadTerminal ? ` ${size}` : ''}`);
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

  private show(recording: string, text: string): Promise<void> | undefined {
    const { output, hadTerminal } = this.shown.get(recording) ?? this.begin(recording, true);
    const drawn = output.pass(text);
    // Nothing else makes new lines of line feeds while our terminal is raw.
    const lines = hadTerminal || !this.isTerminal ? drawn : drawn.replaceAll(/\r?\n/g, '\r\n');
    return this.screen.show(Buffer.from(lines));
  }

  private begin(recording: string, hadTerminal: boolean) {
    const begun = { output: new HarmlessOutput(), hadTerminal };
    this.shown.set(recording, begun);
    return begun;
  }

  private end(ending: ExitCode): void {
    this.ending ??= ending;
    this.leave();
  }
}
