import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { RecordingId, StreamKind } from '../domain/recording/recording.js';
import type { SessionId } from '../domain/session/session.js';
import type { Notice, StreamEnd } from './enter-session.js';
import type { LiveStream } from './live-session.js';
import type { StreamRecording } from './ports/recorder.js';
import { whyOf } from './stream.sentences.js';

/**
 * A stream of a session that does not go into its container: a log, forwarded ports. Governed as those that do, with one
 * difference: where somebody must watch and does not, it ends, because what it shows cannot be held.
 */
export class SideStream implements LiveStream {
  private readonly over = new AbortController();
  private readonly recorded = Promise.withResolvers<undefined>();

  constructor(
    private readonly parts: {
      readonly kind: Extract<StreamKind, 'logs' | 'forward'>;
      readonly session: SessionId;
      readonly recording: StreamRecording;
      /** Told of what passes, in bytes. */
      readonly passed: (direction: 'in' | 'out', bytes: number) => void;
      readonly over: (stream: SideStream) => void;
    },
  ) {}

  get kind(): StreamKind {
    return this.parts.kind;
  }

  get recording(): RecordingId {
    return this.parts.recording.id;
  }

  /** Aborted, with a sentence as its reason, when the stream is over: nothing may be shown or taken any more. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  get finished(): Promise<undefined> {
    return this.recorded.promise;
  }

  watched(isWatched: boolean): void {
    this.parts.recording.watched(isWatched);
  }

  passed(direction: 'in' | 'out', bytes: number): void {
    if (bytes > 0) this.parts.passed(direction, bytes);
  }

  /** Records what is shown. To be awaited before it is. */
  async show(data: Uint8Array): Promise<void> {
    if (this.signal.aborted) return;
    this.passed('out', data.length);
    await this.parts.recording.output('stdout', data);
  }

  mark(text: string): void {
    if (!this.signal.aborted) this.parts.recording.mark(text);
  }

  tell({ kind, text }: Notice): void {
    this.mark(text);
    if (kind !== 'paused') return;
    this.finish({ kind: 'refused', problem: unwatched(this.parts.session) });
  }

  finish(end: StreamEnd): void {
    this.close(sentenceOf(end));
  }

  /** Ends it, with its recording; the first end counts. */
  close(why: string): void {
    if (this.signal.aborted) return;
    this.over.abort(why);
    void this.closeRecording(why);
  }

  private async closeRecording(why: string): Promise<void> {
    await this.parts.recording.finish({ exitCode: null, why });
    this.recorded.resolve(undefined);
    this.parts.over(this);
  }
}

/** What is said of a session in which nothing is shown before somebody watches. */
export function unwatched(id: SessionId): Problem {
  return problem(
    'not-running',
    `Session ${id} waits until somebody watches it: \`hallpass watch ${id}\` is for those who may.`,
  );
}

function sentenceOf(end: StreamEnd): string {
  if (end.kind === 'session-over') return end.detail;
  return end.kind === 'refused' ? end.problem.detail : whyOf(end);
}
