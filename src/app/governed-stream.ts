import type { Problem } from '../domain/problem.js';
import { isProblem } from '../domain/problem.js';
import { ByteDigest } from '../domain/recording/byte.digest.js';
import type { RecordingId, StreamKind } from '../domain/recording/recording.js';
import type { Entry, Notice, OpenStream, StreamEnd } from './enter-session.js';
import type { Gate } from './gate.js';
import type { LiveStream } from './live-session.js';
import { NoticeQueue } from './notice.queue.js';
import type { CopyTap } from './ports/copy.taps.js';
import type {
  OutputChunk,
  ProcessEnd,
  RemoteProcess,
  TerminalSize,
} from './ports/cluster.streams.js';
import type { StreamRecording } from './ports/recorder.js';
import { endlessInput, noArchive } from './stream.refusals.js';
import { whyOf } from './stream.sentences.js';

export interface StreamParts {
  readonly entry: Entry;
  readonly recording: StreamRecording;
  readonly recordsInput: boolean;
  /** Why it takes no input; undefined where it does. */
  readonly refusesInput: Problem | undefined;
  /** What is not on the record ends the session, and an exit is told when all before it is stored. */
  readonly isStrict: boolean;
  /** For copies. */
  readonly tap: CopyTap | undefined;
  /** Nothing passes while it is closed. */
  readonly gate: Gate;
  /** Told of what passes, in bytes. */
  readonly passed: (direction: 'in' | 'out', bytes: number) => void;
  /** Told when its first output is about to be shown. */
  readonly firstShown: () => void;
  /** Enters once more, where the container was not there yet. */
  readonly again: () => Promise<RemoteProcess | Problem>;
  /** What the end of the process means for the one at the terminal. */
  readonly explain: (end: ProcessEnd) => Promise<StreamEnd>;
  /** Its recording cannot go on and must: nothing more may be shown. */
  readonly recordingFailed: (why: string) => void;
  readonly over: (stream: GovernedStream) => void;
}

/**
 * One stream into a container, under its session's rules: recorded before it is shown, held where somebody must watch
 * and does not, over when the session is. Memory is bounded by what its process and its recording hold.
 */
export class GovernedStream implements OpenStream, LiveStream {
  private process: RemoteProcess | undefined;
  private moving: Promise<void> | undefined;
  private end: StreamEnd | undefined;
  private size: TerminalSize;
  private readonly started = Promise.withResolvers<RemoteProcess | undefined>();
  private readonly ending = Promise.withResolvers<StreamEnd>();
  private readonly recorded = Promise.withResolvers<undefined>();
  private readonly abort = new AbortController();
  private readonly onEnd = new Set<() => void>();
  private readonly told = new NoticeQueue();
  private isRead = false;
  /** Something was shown or typed: it cannot begin anew without a trace. */
  private isUsed = false;
  private isShown = false;
  /** From a pipe, and in an archive: on the record by size and digest where not as it is. */
  private readonly wentIn = new ByteDigest('Input');
  private readonly cameOut = new ByteDigest('Archive');

  constructor(private readonly parts: StreamParts) {
    this.size = parts.entry.size;
    void parts.recording.failed.then((why) => {
      if (!this.end || parts.isStrict) parts.recordingFailed(why);
    });
  }

  get entry(): Entry {
    return this.parts.entry;
  }

  get kind(): StreamKind {
    return this.parts.entry.kind;
  }

  get recording(): RecordingId {
    return this.parts.recording.id;
  }

  readonly notices: AsyncIterable<Notice> = this.told;

  get ended(): Promise<StreamEnd> {
    return this.ending.promise;
  }

  /** Resolves when its recording is finished, too. */
  get finished(): Promise<undefined> {
    return this.recorded.promise;
  }

  /** Aborts at the end. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  get isOver(): boolean {
    return this.end !== undefined;
  }

  get output(): AsyncIterable<OutputChunk> {
    if (this.isRead) throw new Error('a stream is read once');
    this.isRead = true;
    return this.read();
  }

  /** Whether there is a process, which may be one that it went over to before it began. */
  get hasBegun(): boolean {
    return this.process !== undefined;
  }

  /** Begins with this process, unless it has gone over to another one meanwhile. */
  begin(process: RemoteProcess): void {
    if (this.process) process.close();
    else this.run(process);
  }

  private run(process: RemoteProcess): void {
    if (this.end) {
      process.close();
      return;
    }
    this.process = process;
    if (this.entry.tty) void process.resize(this.size);
    this.started.resolve(process);
  }

  /**
   * Goes over to another process as soon as `open` has one; the one before is left then. Until that the end of the one
   * before is not the end of the stream, and where there is none to be had, everything stays as it is.
   */
  async move(open: () => Promise<RemoteProcess | Problem>): Promise<Problem | undefined> {
    const done = Promise.withResolvers<undefined>();
    this.moving = done.promise;
    try {
      const process = await open();
      if (isProblem(process)) return process;
      const before = this.process;
      this.run(process);
      before?.close();
      return undefined;
    } finally {
      this.moving = undefined;
      done.resolve(undefined);
    }
  }

  tell(notice: Notice): void {
    if (this.end) return;
    this.parts.recording.mark(notice.text);
    this.told.push(notice);
  }

  watched(isWatched: boolean): void {
    this.parts.recording.watched(isWatched);
  }

  async write(data: Uint8Array): Promise<boolean> {
    const { gate, recording, recordsInput, refusesInput, tap, entry } = this.parts;
    if (!this.process) await this.started.promise;
    while (!gate.isOpen && !this.end) await this.orEnd(gate.waits());
    if (this.end || !entry.stdin || this.isRefused(refusesInput ?? this.endless)) return false;
    this.isUsed = true;
    this.parts.passed('in', data.length);
    const slow = recordsInput ? recording.input(data) : undefined;
    if (slow) await this.orEnd(slow);
    if (tap && entry.copy === 'upload') await this.readAlong(tap, data);
    if (this.isOver) return false;
    if (!entry.tty && !recordsInput) this.wentIn.add(data);
    return (await this.process?.write(data)) ?? false;
  }

  async closeInput(): Promise<boolean> {
    if (!this.process) await this.started.promise;
    if (this.isOver || this.isRefused(this.endless)) return false;
    return (await this.process?.closeInput()) ?? false;
  }

  private get endless(): Problem | undefined {
    return this.entry.tty || this.process?.endsInput !== false ? undefined : endlessInput();
  }

  /** Ends the stream by a refusal, if there is one. */
  private isRefused(problem: Problem | undefined): boolean {
    if (problem) this.finish({ kind: 'refused', problem });
    return problem !== undefined;
  }

  async resize(size: TerminalSize): Promise<boolean> {
    if (this.end) return false;
    this.size = size;
    this.parts.recording.resize(size);
    return (await this.process?.resize(size)) ?? true;
  }

  leave(): void {
    this.finish({ kind: 'left' });
  }

  /**
   * The end, at once: what has not been shown is not shown any more. The first end counts, but for an exit that is not
   * told yet, since its recording is not stored: what ends the session meanwhile is told instead.
   */
  finish(end: StreamEnd): void {
    if (this.end) {
      if (end.kind === 'session-over') this.ending.resolve(end);
      return;
    }
    this.end = end;
    this.abort.abort();
    this.process?.close();
    this.started.resolve(undefined);
    for (const resolve of this.onEnd) resolve();
    this.onEnd.clear();
    this.told.end();
    if (end.kind !== 'exited' || !this.parts.isStrict) this.ending.resolve(end);
    else void this.parts.recording.stored.then(() => this.ending.resolve(end));
    void this.closeRecording(end);
  }

  private async closeRecording(end: StreamEnd): Promise<void> {
    const { recording, tap, over } = this.parts;
    await tap?.end();
    if (tap?.broken !== undefined)
      recording.mark(`The copy could not be read along: ${tap.broken}`);
    for (const passed of [...this.wentIn.end(), ...this.cameOut.end()]) recording.mark(passed);
    await recording.finish({
      exitCode: end.kind === 'exited' ? end.code : null,
      why: whyOf(end),
    });
    this.recorded.resolve(undefined);
    over(this);
  }

  private async *read(): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      let process = await this.started.promise;
      while (process && !this.end) {
        for await (const chunk of process.output) {
          await this.pass(chunk);
          // In another function, the compiler would take it for still so.
          if (this.isOver) return;
          if (!this.isShown) this.parts.firstShown();
          this.isShown = true;
          yield chunk;
          if (this.isOver) return;
        }
        // Nothing follows from the end of a process that was closed with its stream.
        if (this.isOver) return;
        await this.settled();
        if (process === this.process) await this.after(process);
        process = this.process;
      }
    } finally {
      this.leave();
    }
  }

  /** What follows from its end: that of the stream, or another process. */
  private async after(process: RemoteProcess): Promise<void> {
    const ended = await process.ended;
    if (ended.kind === 'failed' && ended.tooEarly === true && !this.isUsed) {
      const refused = await this.move(this.parts.again);
      if (refused) this.finish({ kind: 'refused', problem: refused });
      return;
    }
    const end = await this.parts.explain(ended);
    // The news that explain an end may be those of another container.
    await this.settled();
    if (process === this.process) this.finish(end);
  }

  /** Returns when it goes over to no other process. */
  private async settled(): Promise<void> {
    while (this.moving && !this.end) await this.orEnd(this.moving);
  }

  /** Returns when the chunk may be shown, or the stream is over. */
  private async pass(chunk: OutputChunk): Promise<void> {
    const { gate, recording, tap, entry } = this.parts;
    while (!gate.isOpen && !this.end) await this.orEnd(gate.waits());
    if (this.end) return;
    this.isUsed = true;
    this.parts.passed('out', chunk.data.length);
    if (tap && entry.copy === 'download' && chunk.stream === 'stdout') {
      await this.readAlong(tap, chunk.data);
      if (!this.isOver) this.cameOut.add(chunk.data);
      // Until it is known to be an archive it is output like any other.
      if (tap.hasBegun || this.isOver) return;
    }
    const slow = recording.output(chunk.stream, chunk.data);
    if (slow) await this.orEnd(slow);
  }

  /** What cannot be read along is neither shown nor taken: there would be no trace of it. */
  private async readAlong(tap: CopyTap, data: Uint8Array): Promise<void> {
    await this.orEnd(tap.take(data));
    if (tap.broken !== undefined) this.isRefused(noArchive(tap.broken));
    // Each of many small files makes a line of the recording.
    const { room } = this.parts.recording;
    if (room) await this.orEnd(room);
  }

  /** Waits for `it`, but not beyond the end. Leaves nothing behind, however often it is called. */
  private orEnd(it: Promise<unknown>): Promise<void> {
    if (this.end) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.onEnd.delete(done);
        resolve();
      };
      this.onEnd.add(done);
      it.then(done, done);
    });
  }
}
