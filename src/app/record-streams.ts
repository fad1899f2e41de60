import { auditEntry } from '../domain/audit/entry.js';
import type { Actor } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { castHeader } from '../domain/recording/asciicast.js';
import type { NewRecording } from '../domain/recording/recording.js';
import { newRecordingId } from '../domain/recording/recording.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import type { StreamRecording } from './ports/recorder.js';
import { Recorder } from './ports/recorder.js';
import { RecordingStore } from './ports/recording.store.js';
import { RecordStream } from './record-stream.js';

/** How often a replica says that it still writes: three times missed, it is taken for dead. */
export const BEAT_MS = 5_000;

export interface RecordingLimits {
  /** A chunk is stored at the latest so long after its first event. */
  readonly chunkMs: number;
  /** The same while somebody watches. */
  readonly watchedChunkMs: number;
  /** And as soon as it holds so much, in bytes before compression. */
  readonly chunkBytes: number;
  /** More than this is not kept in memory of one recording: who writes waits. In bytes. */
  readonly unstoredBytes: number;
  /** How long storing is tried before a strict recording fails, and another one has a gap. */
  readonly patienceMs: number;
}

export const RECORDING_LIMITS: RecordingLimits = {
  chunkMs: 1_000,
  watchedChunkMs: 250,
  chunkBytes: 256 * 1024,
  unstoredBytes: 1024 * 1024,
  patienceMs: 5_000,
};

/** What has happened since the program began, for metrics. */
export interface RecordingCounts {
  readonly open: number;
  readonly chunks: number;
  readonly storedBytes: number;
  readonly failures: number;
}

/** Opens recordings, and keeps saying that those of this replica are being written. */
export class RecordStreams extends Recorder {
  private readonly open_ = new Set<RecordStream>();
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private readonly tally = { chunks: 0, storedBytes: 0, failures: 0 };

  constructor(
    private readonly deps: {
      readonly store: RecordingStore;
      readonly compress: (data: Buffer) => Promise<Buffer>;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
      readonly limits?: RecordingLimits;
    },
  ) {
    super();
  }

  start(): void {
    this.loop = this.beat();
  }

  /** To be called when all recordings have been finished. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  counts(): RecordingCounts {
    return { open: this.open_.size, ...this.tally };
  }

  async open(
    recording: NewRecording,
    by: Actor,
    gapped: () => void = () => undefined,
  ): Promise<StreamRecording | Problem> {
    const { store, clock, journal, replica } = this.deps;
    const id = newRecordingId();
    const at = clock.now();
    const header = castHeader(recording, at);
    const { session, kind, way, mode, command, tty, input } = recording;
    const audit = auditEntry({
      at,
      action: 'recording.started',
      outcome: 'success',
      actor: by,
      session,
      data: { recording: id, kind, way, mode, tty, input, command: command.map(clipped) },
    });
    try {
      const opened = await store.open({ id, recording, header, at, replica, audit });
      if (isProblem(opened)) return opened;
    } catch (error) {
      // Of a stream whose beginning is not on record nothing would be, whatever the mode.
      journal.error({ err: error, session: session.id }, 'a recording could not be begun');
      this.tally.failures++;
      return problem(
        'recording-unavailable',
        'What happens in the container cannot be recorded now, so nobody is let in. Try again in a moment.',
        { cause: error, retryAfterSeconds: 5 },
      );
    }
    const { compress, limits = RECORDING_LIMITS } = this.deps;
    const stream = new RecordStream({
      id,
      recording,
      by,
      header,
      at,
      store,
      compress,
      clock,
      journal,
      limits,
      gapped,
      stored: (bytes) => {
        this.tally.chunks++;
        this.tally.storedBytes += bytes;
      },
      failed: () => this.tally.failures++,
      over: () => this.open_.delete(stream),
    });
    this.open_.add(stream);
    return stream;
  }

  private async beat(): Promise<void> {
    const { store, journal } = this.deps;
    while (!this.stopping.signal.aborted) {
      await pause(BEAT_MS, this.stopping.signal);
      if (this.open_.size === 0) continue;
      try {
        await store.beat([...this.open_].map(({ id }) => id));
      } catch (error) {
        journal.warn({ err: error }, 'it could not be said that recordings go on');
      }
    }
  }
}

function clipped(word: string): string {
  return word.length > 200 ? `${word.slice(0, 200)}…` : word;
}
