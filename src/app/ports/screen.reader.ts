import type { CastEvent } from '../../domain/recording/asciicast.js';
import type { TerminalSize } from './cluster.streams.js';
import type { ScreenLine } from './recording.store.js';

/** A terminal that nobody looks at: it applies what was shown, and tells what was to be read. */
export interface Screen {
  /** The lines that came to stand there by these events. @throws where it takes longer than it may. */
  feed(events: readonly CastEvent[]): Promise<readonly ScreenLine[]>;
  /** What stands there at the end. */
  end(): Promise<readonly ScreenLine[]>;
}

export abstract class ScreenReader {
  /** @param size with `isTerminal` false for output that went to no terminal: its lines end with a line feed alone. */
  abstract open(size: TerminalSize & { readonly isTerminal: boolean }): Promise<Screen>;
  /** Lets go of what it holds. */
  abstract close(): Promise<void>;
}
