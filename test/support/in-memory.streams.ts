import { Activity } from '../../src/app/ports/activity.js';
import { Presence } from '../../src/app/ports/presence.js';
import type { AuditLog } from '../../src/app/ports/audit.log.js';
import type { Visit, Watching } from '../../src/app/ports/presence.js';
import { Recorder } from '../../src/app/ports/recorder.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import type { Actor, Person } from '../../src/domain/person.js';
import type { Problem } from '../../src/domain/problem.js';
import { problem } from '../../src/domain/problem.js';
import type {
  CopiedFile,
  NewRecording,
  RecordingEnd,
} from '../../src/domain/recording/recording.js';
import { newRecordingId } from '../../src/domain/recording/recording.js';
import type { SessionId } from '../../src/domain/session/session.js';

/** A recording in memory, with everything that it was told. */
export class MemoryRecording implements StreamRecording {
  readonly id = newRecordingId();
  readonly chunks: { readonly stream: 'stdout' | 'stderr'; readonly data: Buffer }[] = [];
  readonly typed: Buffer[] = [];
  readonly sizes: object[] = [];
  readonly marks: string[] = [];
  readonly files: CopiedFile[] = [];
  isWatched = false;
  end: RecordingEnd | undefined;
  /** The store takes nothing until it resolves. */
  held: Promise<undefined> | undefined;
  private readonly failure = Promise.withResolvers<string>();
  readonly failed = this.failure.promise;
  private readonly storing = Promise.withResolvers<undefined>();
  readonly stored = this.storing.promise;
  /** Its end is not stored until a test says so by `store`. */
  isSlowToStore = false;

  constructor(readonly about: NewRecording) {}

  get shown(): string {
    return Buffer.concat(this.chunks.map(({ data }) => data)).toString();
  }

  get room(): Promise<void> | undefined {
    return this.held;
  }

  output(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<void> | undefined {
    if (this.end) throw new Error('recorded after its end');
    this.chunks.push({ stream, data: Buffer.from(data) });
    return this.held;
  }

  input(data: Uint8Array): Promise<void> | undefined {
    if (this.about.input) this.typed.push(Buffer.from(data));
    return this.held;
  }

  resize(size: object): void {
    this.sizes.push(size);
  }

  mark(text: string): void {
    this.marks.push(text);
  }

  copied(file: CopiedFile): void {
    this.files.push(file);
  }

  watched(isWatched: boolean): void {
    this.isWatched = isWatched;
  }

  fail(why: string): void {
    this.failure.resolve(why);
  }

  store(): void {
    this.storing.resolve(undefined);
  }

  finish(end: RecordingEnd): Promise<void> {
    if (this.end) throw new Error('finished twice');
    this.end = end;
    if (!this.isSlowToStore) this.store();
    return this.stored;
  }
}

/** Recordings in memory, in the order in which they were opened. */
export class MemoryRecorder extends Recorder {
  readonly recordings: MemoryRecording[] = [];
  /** By whom each was opened. */
  readonly openedBy: (Actor | undefined)[] = [];
  /** What opening is answered with instead. */
  refusal: Problem | undefined;

  open(about: NewRecording, by?: Actor): Promise<MemoryRecording | Problem> {
    if (this.refusal) return Promise.resolve(this.refusal);
    const open = this.recordings.filter(
      (it) => !it.end && it.about.session.id === about.session.id,
    );
    if (open.length >= about.openMax) {
      return Promise.resolve(
        problem('too-many-streams', `${open.length} streams of the session are open.`),
      );
    }
    const recording = new MemoryRecording(about);
    this.recordings.push(recording);
    this.openedBy.push(by);
    return Promise.resolve(recording);
  }

  /** The recording that was opened last. */
  get latest(): MemoryRecording {
    const latest = this.recordings.at(-1);
    if (!latest) throw new Error('nothing is recorded');
    return latest;
  }
}

/** Watchers within this process. */
export class MemoryPresence extends Presence {
  private readonly rows: (Watching & { readonly session: SessionId })[] = [];
  private readonly listeners = new Set<(session: SessionId) => void>();
  private count = 0;
  /** Makes every call fail as if the database were away. */
  broken: Error | undefined;
  /** Makes the news of who comes and goes get lost. */
  lost = false;
  /** What is asked now is answered then, as it is now. */
  held: Promise<undefined> | undefined;

  /** @param log where it is written who comes and goes. */
  constructor(private readonly log?: AuditLog) {
    super();
  }

  watching(session: SessionId): Promise<readonly Watching[]> {
    if (this.broken) return Promise.reject(this.broken);
    const seen = this.rows.filter((it) => it.session === session);
    return this.held?.then(() => seen) ?? Promise.resolve(seen);
  }

  async join({ session, person, came, left }: Visit): Promise<() => Promise<void>> {
    await this.log?.append(came());
    const leave = await this.comes(session, person);
    return async () => {
      await leave();
      await this.log?.append(left());
    };
  }

  /** Somebody of whom nothing is written. */
  comes(session: SessionId, person: Person): Promise<() => Promise<void>> {
    const row = { id: String(this.count++), session, person, since: new Date() };
    this.rows.push(row);
    this.tell(session);
    return Promise.resolve(() => {
      const at = this.rows.indexOf(row);
      if (at >= 0) this.rows.splice(at, 1);
      this.tell(session);
      return Promise.resolve();
    });
  }

  subscribe(heard: (session: SessionId) => void): () => void {
    this.listeners.add(heard);
    return () => this.listeners.delete(heard);
  }

  private tell(session: SessionId): void {
    if (!this.lost) for (const heard of this.listeners) heard(session);
  }
}

/** Input within this process. */
export class MemoryActivity extends Activity {
  readonly at = new Map<SessionId, Date>();

  touch(session: SessionId, at: Date): Promise<void> {
    this.at.set(session, at);
    return Promise.resolve();
  }

  lastInputAt(session: SessionId): Promise<Date | undefined> {
    return Promise.resolve(this.at.get(session));
  }
}
