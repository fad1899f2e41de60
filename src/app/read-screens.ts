import { CastReader } from '../domain/recording/asciicast.js';
import { pause } from './pause.js';
import { Journal } from './ports/journal.js';
import type { RecordingInfo, ScreenLine } from './ports/recording.store.js';
import { RecordingStore } from './ports/recording.store.js';
import { ScreenReader } from './ports/screen.reader.js';

const LOOK_MS = 2_000;
const CHUNKS_AT_ONCE = 4;
/** What is kept of one recording as text; the recording itself is whole. */
const LINES_MAX = 200_000;
const CHARACTERS_MAX = 16 * 1024 * 1024;

/**
 * Makes what was shown in recordings that have ended into lines that can be searched, one recording at a time. Two
 * replicas may read the same one at once; what the first has kept stands.
 */
export class ReadScreens {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly deps: {
      readonly store: RecordingStore;
      readonly screens: ScreenReader;
      readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
      readonly journal: Journal;
    },
  ) {}

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
    await this.deps.screens.close();
  }

  /** Reads one recording that nobody has read; false where there is none. */
  async next(): Promise<boolean> {
    const [recording] = await this.deps.store.unread(1);
    if (!recording) return false;
    await this.deps.store.keepScreen(recording.id, await this.linesOf(recording));
    return true;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        if (await this.next()) continue;
      } catch (error) {
        if (!this.stopping.signal.aborted)
          this.deps.journal.warn({ err: error }, 'screens could not be read: it is tried again');
      }
      await pause(LOOK_MS, this.stopping.signal);
    }
  }

  /** Its lines, as far as bounds allow; of one that cannot be played, as far as it could. */
  private async linesOf(recording: RecordingInfo): Promise<ScreenLine[]> {
    const lines: ScreenLine[] = [];
    let characters = 0;
    try {
      for await (const line of this.shown(recording)) {
        characters += line.text.length;
        if (lines.length >= LINES_MAX || characters > CHARACTERS_MAX) return lines;
        lines.push(line);
      }
    } catch (error) {
      this.stopping.signal.throwIfAborted();
      this.deps.journal.warn(
        { err: error, recording: recording.id },
        'what was shown cannot all be made into text',
      );
    }
    return lines;
  }

  private async *shown({ id, header, kind, chunks }: RecordingInfo): AsyncGenerator<ScreenLine> {
    const { term } = JSON.parse(header) as { term: { cols: number; rows: number } };
    const screen = await this.deps.screens.open({
      columns: term.cols,
      rows: term.rows,
      isTerminal: kind === 'terminal',
    });
    const reader = new CastReader();
    for (let after = 0; after < chunks;) {
      const some = await this.deps.store.chunks(id, after, CHUNKS_AT_ONCE);
      if (some.length === 0) break;
      for (const chunk of some) {
        this.stopping.signal.throwIfAborted();
        const text = (await this.deps.decompress(chunk.bytes)).toString('utf8');
        yield* await screen.feed(text.split('\n').flatMap((line) => reader.read(line) ?? []));
        after = chunk.seq;
      }
    }
    yield* await screen.end();
  }
}
