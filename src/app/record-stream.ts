import { createHash } from 'node:crypto';
import type { AuditEntry } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import type { Actor } from '../domain/person.js';
import type { CastCode } from '../domain/recording/asciicast.js';
import { castLine, sizeText } from '../domain/recording/asciicast.js';
import { firstDigest } from '../domain/recording/digest.chain.js';
import type {
  CopiedFile,
  NewRecording,
  RecordingEnd,
  RecordingId,
} from '../domain/recording/recording.js';
import { PartDecoder } from '../domain/recording/text.decoder.js';
import { plainText } from '../domain/text.js';
import type { ChunkQueueParts, Lost } from './chunk.queue.js';
import { ChunkQueue } from './chunk.queue.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import type { TerminalSize } from './ports/cluster.streams.js';
import { Journal } from './ports/journal.js';
import type { StreamRecording } from './ports/recorder.js';
import type { RecordingInfo } from './ports/recording.store.js';
import { RecordingStore } from './ports/recording.store.js';
import type { RecordingLimits } from './record-streams.js';

/** So many copied files are named in the audit log, whose entries are bounded; all of them are in the recording. */
const FILES_AUDITED_MAX = 20;

const FINISH_AGAIN_MS = 500;
const NEVER = new AbortController().signal;

export interface RecordStreamParts {
  readonly id: RecordingId;
  readonly recording: NewRecording;
  readonly by: Actor;
  readonly header: string;
  readonly at: Date;
  readonly store: RecordingStore;
  readonly compress: ChunkQueueParts['compress'];
  readonly clock: Clock;
  readonly journal: Journal;
  readonly limits: RecordingLimits;
  readonly gapped: () => void;
  readonly stored: (bytes: number) => void;
  readonly failed: () => void;
  readonly over: () => void;
}

/**
 * One recording while it runs: makes events of what passes and hands them to a {@link ChunkQueue} before it returns.
 * Nothing waits for the store but by what these methods return.
 */
export class RecordStream implements StreamRecording {
  private readonly decoders = { stdout: new PartDecoder(), stderr: new PartDecoder() };
  private readonly typed = new PartDecoder();
  private readonly shown = { hash: createHash('sha256'), bytes: 0 };
  private readonly files = { hash: createHash('sha256'), count: 0, first: [] as CopiedFile[] };
  private readonly startedMs = performance.now();
  private readonly queue: ChunkQueue;
  private readonly storing = Promise.withResolvers<undefined>();
  private ending: Promise<void> | undefined;
  private nextSize: TerminalSize | undefined;
  private told: { readonly lost: Lost; readonly audit: AuditEntry } | undefined;

  constructor(private readonly parts: RecordStreamParts) {
    const { id, store, compress, limits, journal, header, recording } = parts;
    this.queue = new ChunkQueue({
      first: firstDigest(header),
      compress,
      limits,
      isStrict: recording.mode === 'strict',
      append: async (chunks) => {
        await store.append(id, chunks);
        for (const { bytes } of chunks) parts.stored(bytes.length);
      },
      gap: (lost) => this.gap(lost),
      losing: parts.gapped,
      trouble: (error, isFinal) => {
        if (isFinal) parts.failed();
        journal.warn(
          { err: error, recording: id, session: recording.session.id },
          isFinal ? 'a recording cannot go on' : 'a part of a recording could not be stored yet',
        );
      },
    });
  }

  get id(): RecordingId {
    return this.parts.id;
  }

  get failed(): Promise<string> {
    return this.queue.failed;
  }

  get room(): Promise<void> | undefined {
    return this.queue.room;
  }

  get stored(): Promise<undefined> {
    return this.storing.promise;
  }

  output(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> | undefined {
    if (this.ending) return undefined;
    this.shown.hash.update(data);
    this.shown.bytes += data.length;
    return this.event('o', this.decoders[stream].decode(data), data.length);
  }

  input(data: Uint8Array): Promise<void> | undefined {
    return this.parts.recording.input
      ? this.event('i', this.typed.decode(data), data.length)
      : undefined;
  }

  resize(size: TerminalSize): void {
    const { room } = this.queue;
    // Output waits for it, too: nothing is shown at a size that another one follows meanwhile.
    if (room && !this.nextSize) void room.then(() => this.resized());
    this.nextSize = size;
    if (!room) this.resized();
  }

  mark(text: string): void {
    void this.event('m', plainText(text, 2_000));
  }

  copied(file: CopiedFile): void {
    if (this.ending) return;
    const { direction, path, bytes, sha256 } = file;
    const text = `${direction} ${sha256} ${bytes} ${plainText(path, 1_000)}`;
    this.files.count++;
    this.files.hash.update(`${text}\n`);
    if (this.files.first.length < FILES_AUDITED_MAX) this.files.first.push(file);
    this.mark(text);
  }

  watched(isWatched: boolean): void {
    this.queue.watched(isWatched);
  }

  finish(end: RecordingEnd): Promise<void> {
    return (this.ending ??= this.close(end));
  }

  private async close(end: RecordingEnd): Promise<void> {
    const { id, journal, over } = this.parts;
    try {
      this.resized();
      const rest = this.decoders.stdout.end() + this.decoders.stderr.end();
      if (rest !== '') void this.event('o', rest);
      if (end.exitCode !== null) void this.event('x', String(end.exitCode));
      const last = await this.queue.close();
      this.storing.resolve(undefined);
      await this.writeEnd(end, last);
    } catch (error) {
      journal.warn({ err: error, recording: id }, 'the end of a recording could not be written');
    } finally {
      this.storing.resolve(undefined);
      over();
    }
  }

  /** @param last the last chunk; `undefined` where not all of it is stored. */
  private async writeEnd(
    end: RecordingEnd,
    last: { readonly seq: number; readonly digest: Uint8Array } | undefined,
  ): Promise<void> {
    const { id, recording, store, clock } = this.parts;
    const at = clock.now();
    const account = {
      recording: id,
      kind: recording.kind,
      why: plainText(end.why, 500),
      exitCode: end.exitCode,
      seconds: Math.round(this.elapsedMs() / 1000),
      ...this.account(),
    };
    const finished = (chunks: number, digest: Uint8Array, gaps: number) =>
      this.entry(at, 'recording.finished', {
        ...account,
        chunks,
        digest: Buffer.from(digest).toString('hex'),
        gaps,
      });
    if (last) {
      const audit = finished(last.seq, last.digest, this.queue.gaps);
      await this.patiently(() => store.finish({ id, at, end, audit }));
      return;
    }
    // Where this fails as well: whoever finds the recording silent ends it with what is stored.
    const gap = this.entry(at, 'recording.gap', { recording: id, ...this.queue.missing });
    const audits = ({ chunks, digest, gaps }: RecordingInfo) => [
      gap,
      finished(chunks, digest, gaps),
    ];
    await this.patiently(() => store.finishShort({ id, at, end, audits }));
  }

  /** Tries again for as long as storing is tried. */
  private async patiently<T>(act: () => Promise<T>): Promise<T> {
    const untilMs = performance.now() + this.parts.limits.patienceMs;
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (performance.now() > untilMs) throw error;
        await pause(FINISH_AGAIN_MS, NEVER);
      }
    }
  }

  /** What passed, by its raw bytes: the recording itself holds them as text. */
  private account(): Record<string, unknown> {
    const { shown, files, decoders } = this;
    const replacements = decoders.stdout.replacements + decoders.stderr.replacements;
    return {
      shownBytes: shown.bytes,
      shownSha256: shown.hash.digest('hex'),
      ...(replacements === 0 ? {} : { replacements }),
      ...(files.count === 0
        ? {}
        : {
            files: {
              count: files.count,
              sha256: files.hash.digest('hex'),
              first: files.first.map((file) => ({ ...file, path: plainText(file.path, 300) })),
            },
          }),
    };
  }

  /** Told again where there was no answer: with the same entry, which is written once. */
  private async gap(lost: Lost): Promise<void> {
    const { id, store, clock } = this.parts;
    const { fromMs, untilMs, bytes } = lost;
    if (this.told?.lost !== lost) {
      const data = { recording: id, fromMs, untilMs, bytes };
      this.told = { lost, audit: this.entry(clock.now(), 'recording.gap', data) };
    }
    await store.gap(id, this.told.audit);
    void this.event(
      'm',
      `A gap: ${bytes} bytes were shown and not recorded, from second ${Math.floor(fromMs / 1000)} to ${Math.ceil(untilMs / 1000)}.`,
    );
  }

  private resized(): void {
    const size = this.nextSize;
    this.nextSize = undefined;
    if (size) void this.event('r', sizeText(size));
  }

  private entry(
    at: Date,
    action: 'recording.gap' | 'recording.finished',
    data: Readonly<Record<string, unknown>>,
  ): AuditEntry {
    const { by, recording } = this.parts;
    const outcome = action === 'recording.gap' ? 'failure' : 'success';
    return auditEntry({ at, action, outcome, actor: by, session: recording.session, data });
  }

  private event(code: CastCode, data: string, shownBytes = 0): Promise<void> | undefined {
    if (data === '') return undefined;
    const atMs = this.elapsedMs();
    // The interval is from the event before, among those that were kept.
    return this.queue.push((before) => castLine({ atMs, code, data }, before), atMs, shownBytes);
  }

  private elapsedMs(): number {
    return Math.round(performance.now() - this.startedMs);
  }
}
