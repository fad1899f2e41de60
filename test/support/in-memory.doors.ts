import type { Caller } from '../../src/app/caller.js';
import { personOf } from '../../src/app/caller.js';
import type { Entry, Notice, OpenStream, StreamEnd } from '../../src/app/enter-session.js';
import { EnterSession } from '../../src/app/enter-session.js';
import { Clock } from '../../src/app/ports/clock.js';
import type { OutputChunk, TerminalSize } from '../../src/app/ports/cluster.streams.js';
import type { LiveLine } from '../../src/app/ports/live.view.js';
import { LiveView } from '../../src/app/ports/live.view.js';
import type { Bearer, TicketUse } from '../../src/app/ports/ticket.store.js';
import { TicketStore } from '../../src/app/ports/ticket.store.js';
import { sameAccount } from '../../src/domain/person.js';
import type { Problem } from '../../src/domain/problem.js';
import { newRecordingId } from '../../src/domain/recording/recording.js';
import type { SessionId } from '../../src/domain/session/session.js';

/** Tickets in memory, by the clock of the test. */
export class MemoryTickets extends TicketStore {
  readonly rows: (TicketUse & { bearer: Bearer; expiresAt: Date })[] = [];

  constructor(private readonly clock: Clock) {
    super();
  }

  add(
    { digest, session, kind, bearer, seconds }: Parameters<TicketStore['add']>[0],
    openMax: number,
  ): Promise<Date | undefined> {
    const now = this.clock.now();
    const mine = this.rows.filter(
      (it) => it.expiresAt >= now && sameAccount(it.bearer.person, bearer.person),
    );
    if (mine.length >= openMax) return Promise.resolve(undefined);
    const expiresAt = new Date(now.getTime() + seconds * 1000);
    this.rows.push({ digest, session, kind, bearer, expiresAt });
    return Promise.resolve(expiresAt);
  }

  take({ digest, session, kind }: TicketUse): Promise<Bearer | undefined> {
    const at = this.rows.findIndex(
      (it) =>
        it.digest === digest &&
        it.session === session &&
        it.kind === kind &&
        it.expiresAt > this.clock.now(),
    );
    return Promise.resolve(at < 0 ? undefined : this.rows.splice(at, 1)[0]?.bearer);
  }
}

/** A queue between a test and what it tests: what is put in comes out, until it is closed. */
export class Pipe<T> implements AsyncIterable<T> {
  private readonly waiting: T[] = [];
  private bell: (() => void) | undefined;
  private closed = false;

  put(item: T): void {
    this.waiting.push(item);
    this.bell?.();
  }

  close(): void {
    this.closed = true;
    this.bell?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.waiting.shift();
      if (item !== undefined) yield item;
      else if (this.closed) return;
      else await new Promise<void>((resolve) => (this.bell = resolve));
    }
  }
}

/** What is shown in sessions, put there by a test. */
export class MemoryLiveView extends LiveView {
  private readonly pipes = new Map<SessionId, Set<Pipe<LiveLine>>>();

  show(session: SessionId, line: LiveLine): void {
    for (const pipe of this.pipes.get(session) ?? []) pipe.put(line);
  }

  async *follow(session: SessionId, signal: AbortSignal): AsyncGenerator<LiveLine> {
    const pipe = new Pipe<LiveLine>();
    const all = this.pipes.get(session) ?? new Set();
    this.pipes.set(session, all.add(pipe));
    signal.addEventListener('abort', () => pipe.close(), { once: true });
    if (signal.aborted) pipe.close();
    try {
      yield* pipe;
    } finally {
      all.delete(pipe);
    }
  }
}

/** A stream into a container that a test plays. */
export class PlayedStream implements OpenStream {
  readonly recording = newRecordingId();
  private readonly printed = new Pipe<OutputChunk>();
  output: AsyncIterable<OutputChunk> = this.printed;
  readonly notices = new Pipe<Notice>();
  readonly typed: Uint8Array[] = [];
  readonly sizes: TerminalSize[] = [];
  inputClosed = false;
  /** While it is set, what is typed is not taken. */
  held: Promise<void> | undefined;
  private readonly settled = Promise.withResolvers<StreamEnd>();
  readonly ended = this.settled.promise;
  over: StreamEnd | undefined;

  constructor(
    readonly caller: Caller,
    readonly entry: Entry,
  ) {}

  /** Writes to the terminal. */
  print(text: string | Uint8Array, stream: OutputChunk['stream'] = 'stdout'): void {
    this.printed.put({ stream, data: typeof text === 'string' ? Buffer.from(text) : text });
  }

  end(end: StreamEnd): void {
    this.over ??= end;
    this.printed.close();
    this.notices.close();
    this.settled.resolve(end);
  }

  async write(data: Uint8Array): Promise<boolean> {
    await Promise.race([this.held, this.held && this.ended]);
    if (this.over) return false;
    this.typed.push(data);
    return true;
  }

  closeInput(): Promise<boolean> {
    this.inputClosed = true;
    return Promise.resolve(true);
  }

  resize(size: TerminalSize): Promise<boolean> {
    this.sizes.push({ columns: size.columns, rows: size.rows });
    return Promise.resolve(true);
  }

  leave(): void {
    this.end({ kind: 'left' });
  }

  get text(): string {
    return Buffer.concat(this.typed).toString('utf8');
  }
}

/** Lets in whoever asked for the session, and hands the streams to the test. */
export class MemoryEntry extends EnterSession {
  readonly streams: PlayedStream[] = [];
  /** What is answered instead of a stream. */
  refusal: Problem | undefined;
  broken: Error | undefined;
  /** Called with each stream before it is handed out. */
  prepare: ((stream: PlayedStream) => void) | undefined;
  /** What entering waits for. */
  held: Promise<void> | undefined;
  /** How often entering was given up by the client's leaving. */
  givenUp = 0;

  async enter(caller: Caller, entry: Entry, signal: AbortSignal): Promise<OpenStream | Problem> {
    signal.addEventListener('abort', () => this.givenUp++, { once: true });
    await this.held;
    if (this.broken) throw this.broken;
    if (this.refusal) return this.refusal;
    const stream = new PlayedStream(caller, entry);
    this.prepare?.(stream);
    this.streams.push(stream);
    return stream;
  }

  /** The subjects of those who entered. */
  get people(): string[] {
    return this.streams.map(({ caller }) => personOf(caller).sub);
  }
}
