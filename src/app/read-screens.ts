import { CastReader } from '../domain/recording/asciicast.js';
import { pause } from './pause.js';
import { Journal } from './ports/journal.js';
import type { RecordingInfo, ScreenLine } from './ports/recording.store.js';
import { RecordingStore } from './ports/recording.store.js';
import { ScreenReader } from './ports/screen.reader.js';

const LOOK_MS = 2_000;
const CHUNKS_AT_ONCE = 4;
/** More than so many chunks can take. A replica that dies over a recording delays its lines by as much. */
const TAKEN_SECONDS = 120;
/** What playing one recording may take in all: what it shows is in the hands of whoever is recorded. */
const PLAY_MS_MAX = 60_000;
/** One that could not be read or kept comes again after so long, behind those that were waiting by then. */
const AGAIN_SECONDS = 60;
/** What is kept of one recording as text; the recording itself is whole. */
const LINES_MAX = 200_000;
const CHARACTERS_MAX = 16 * 1024 * 1024;

/**
 * Makes what was shown in recordings that have ended into lines that can be searched, one recording at a time: one
 * that no other replica is reading. Where one is so slow that it is taken for dead, what the first has kept stands.
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
      readonly playMsMax?: number;
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

  /** Reads one recording that nobody has read or is reading; false where there is none. */
  async next(): Promise<boolean> {
    const { store } = this.deps;
    const recording = await store.takeUnread(TAKEN_SECONDS);
    if (!recording) return false;
    const { id } = recording;
    try {
      const lines = await this.linesOf(recording);
      await store.keepTaken(id, TAKEN_SECONDS);
      await store.keepScreen(id, lines);
    } catch (error) {
      // One that this replica leaves is for whoever comes next; where that fails as well, they come later.
      const seconds = this.stopping.signal.aborted ? 0 : AGAIN_SECONDS;
      await store.keepTaken(id, seconds).catch(() => undefined);
      throw error;
    }
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
      // What the store did not give may be had later.
      if (!(error instanceof Unplayable)) throw error;
      this.deps.journal.warn(
        { err: error.cause, recording: recording.id },
        'what was shown cannot all be made into text',
      );
    }
    return lines;
  }

  private async *shown({ id, header, kind, chunks }: RecordingInfo): AsyncGenerator<ScreenLine> {
    const { playMsMax = PLAY_MS_MAX } = this.deps;
    const { term } = JSON.parse(header) as { term: { cols: number; rows: number } };
    let playedMs = 0;
    const size = { columns: term.cols, rows: term.rows, isTerminal: kind === 'terminal' };
    const screen = await played(() => this.deps.screens.open(size));
    const reader = new CastReader();
    for (let after = 0; after < chunks;) {
      const some = await this.deps.store.chunks(id, after, CHUNKS_AT_ONCE);
      if (some.length === 0) break;
      if (after > 0) await this.deps.store.keepTaken(id, TAKEN_SECONDS);
      for (const chunk of some) {
        this.stopping.signal.throwIfAborted();
        if (playedMs > playMsMax)
          throw new Unplayable('it cannot be played', {
            cause: new Error(`it took more than ${playMsMax} ms`),
          });
        const beganMs = performance.now();
        const lines = await played(async () => {
          const text = (await this.deps.decompress(chunk.bytes)).toString('utf8');
          return screen.feed(text.split('\n').flatMap((line) => reader.read(line) ?? []));
        });
        playedMs += performance.now() - beganMs;
        yield* lines;
        after = chunk.seq;
      }
    }
    yield* await played(() => screen.end());
  }
}

/** A recording that cannot be played to its end, however often it is tried; the cause says why. */
class Unplayable extends Error {}

async function played<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw new Unplayable('it cannot be played', { cause });
  }
}
