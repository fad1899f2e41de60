import type { SessionId, Session } from '../domain/session/session.js';
import type { StreamKind } from '../domain/recording/recording.js';
import { STREAM_KINDS } from '../domain/recording/recording.js';
import { LiveSession } from './live-session.js';
import type { LiveStream } from './live-session.js';
import { pause } from './pause.js';
import { Activity } from './ports/activity.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import { Presence } from './ports/presence.js';
import { SessionNews } from './ports/session.news.js';
import { SessionStore } from './ports/session.store.js';
import type { StopSession } from './stop-session.js';
import { sessionOverBy, stopping } from './stream.sentences.js';

/** News may be lost: sessions with open streams are looked at this often. */
const LOOK_MS = 1_000;
/** Watchers of sessions that need none are looked at more rarely. */
const WATCHERS_EVERY = 15;
/** Who does not answer in that time is not waited for. */
const ANSWER_MS = 2_000;
/** How long the recordings may take to be finished when the replica is stopped. */
const STOP_MS = 5_000;

/** What passed through this replica since it started, for metrics. */
export type StreamCounts = Readonly<
  Record<StreamKind, { open: number; opened: number; bytesIn: number; bytesOut: number }>
>;

/**
 * The streams of this replica, by session. Whatever becomes of a session on any replica, its streams here follow: they
 * are closed when it is over, at its deadline even where nothing else answers, and moved where its container is another.
 */
export class LiveStreams {
  private readonly sessions = new Map<SessionId, LiveSession>();
  private readonly stopping = new AbortController();
  private readonly counted = newCounts();
  private unsubscribe: (() => void)[] = [];
  private loop: Promise<void> = Promise.resolve();
  private rounds = 0;
  private isAway = false;
  private stopsAtMs: number | undefined;
  /** Goes over to a new container; bound by the one who opens streams. */
  onMoved: (live: LiveSession) => void = () => undefined;

  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly news: SessionNews;
      readonly presence: Presence;
      readonly activity: Activity;
      readonly stop: Pick<StopSession, 'insist'>;
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  start(): void {
    const { news, presence } = this.deps;
    this.unsubscribe = [
      news.subscribe((id, version) => {
        const live = this.sessions.get(id);
        if (live && version > live.session.version) void this.look(id);
      }),
      presence.subscribe((id) => {
        const live = this.sessions.get(id);
        if (live) void this.lookAtWatchers(live);
      }),
    ];
    this.loop = this.run();
  }

  /** Ends all streams here and waits for their recordings. Sessions go on, and are entered by another replica. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const unsubscribe of this.unsubscribe) unsubscribe();
    const streams = [...this.sessions.values()].flatMap((live) => [...live.streams]);
    for (const stream of streams) stream.finish({ kind: 'shutdown' });
    const late = new AbortController();
    await Promise.race([
      Promise.all(streams.map((stream) => stream.finished)),
      pause(STOP_MS, late.signal),
    ]);
    late.abort();
    await this.loop;
  }

  /** Tells everybody who is in a session here, and who comes from now on, that this replica stops, and when. */
  warn(inSeconds: number): void {
    this.stopsAtMs = performance.now() + inSeconds * 1000;
    for (const live of this.sessions.values()) live.tell('stopping', stopping(inSeconds));
  }

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  /** The session as streams here see it. To be followed by {@link add} at once. */
  of(session: Session): LiveSession {
    const known = this.sessions.get(session.id);
    if (known) {
      if (known.took(session) === 'moved') this.onMoved(known);
      return known;
    }
    const live = new LiveSession(session, this.deps.clock);
    this.sessions.set(session.id, live);
    return live;
  }

  /** Takes a stream under the rules of its session, which may have changed since it was read: it is read again. */
  async add(live: LiveSession, stream: LiveStream): Promise<void> {
    live.add(stream);
    if (this.stopsAtMs !== undefined) {
      const leftMs = Math.max(0, this.stopsAtMs - performance.now());
      stream.tell({ kind: 'stopping', text: stopping(leftMs / 1000) });
    }
    this.counted[stream.kind].opened++;
    await Promise.all([this.look(live.session.id), this.lookAtWatchers(live)]);
    // Where the session was known to be over before the stream came, no news are news.
    live.endIfOver(stream);
  }

  /** A stream is over, its recording too. */
  removed(live: LiveSession, stream: LiveStream): void {
    if (!live.remove(stream) || this.sessions.get(live.session.id) !== live) return;
    void this.keepInput(live);
    this.sessions.delete(live.session.id);
  }

  /** A session's container runs; where streams wait for that, they are told before it is stored. */
  sawRunning(id: SessionId): void {
    this.sessions.get(id)?.sawRunning();
  }

  /** Bytes passed. */
  passed(kind: StreamKind, direction: 'in' | 'out', bytes: number): void {
    this.counted[kind][direction === 'in' ? 'bytesIn' : 'bytesOut'] += bytes;
  }

  counts(): StreamCounts {
    for (const kind of STREAM_KINDS) {
      this.counted[kind].open = 0;
      for (const live of this.sessions.values()) this.counted[kind].open += live.count(kind);
    }
    return this.counted;
  }

  /** What must be recorded cannot be: the session ends, here at once, and for good as soon as it can be written. */
  recordingFailed(live: LiveSession, why: string): void {
    const { id } = live.session;
    const detail = `What happens in it could not be recorded any more (${why}), and its terms want all of it recorded.`;
    this.deps.journal.error({ session: id, why }, 'a recording failed: its session ends');
    live.close(sessionOverBy('recording-failed', detail));
    void this.deps.stop.insist(id, { reason: 'recording-failed', detail }, this.stopping.signal);
  }

  /** Reads who watches, and lets pass or holds. */
  async lookAtWatchers(live: LiveSession): Promise<void> {
    const { presence, journal } = this.deps;
    const { id } = live.session;
    const look = live.beginsLook();
    try {
      live.seesWatchers(await inTime(presence.watching(id)), look);
    } catch (error) {
      journal.warn({ session: id, err: error }, 'it is not known who watches a session');
      live.seesWatchers(undefined, look);
    }
  }

  private async look(id: SessionId): Promise<void> {
    try {
      const session = await this.deps.store.find(id);
      const live = this.sessions.get(id);
      if (session && live?.took(session) === 'moved') this.onMoved(live);
      this.isAway = false;
    } catch (error) {
      this.away(error);
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(LOOK_MS, signal);
      if (signal.aborted || this.sessions.size === 0) continue;
      await this.round();
    }
  }

  /** One look at everything, in one question for all sessions together. */
  private async round(): Promise<void> {
    this.rounds++;
    const all = [...this.sessions.values()];
    try {
      const stored = await inTime(this.deps.store.versions(all.map(({ session }) => session.id)));
      const stale = all.filter(
        ({ session }) => (stored.get(session.id) ?? session.version) > session.version,
      );
      await Promise.all(stale.map(({ session }) => this.look(session.id)));
      await Promise.all(all.map((live) => this.lookAfter(live)));
      this.isAway = false;
    } catch (error) {
      this.away(error);
      // Nobody knows who watches: where somebody must, nothing passes.
      for (const live of all) live.seesWatchers(undefined);
    }
  }

  private async lookAfter(live: LiveSession): Promise<void> {
    if (live.needsWatcher || this.rounds % WATCHERS_EVERY === 0) await this.lookAtWatchers(live);
    await this.keepInput(live);
    await live.warnIfIdle(() => this.deps.activity.lastInputAt(live.session.id));
  }

  private async keepInput(live: LiveSession): Promise<void> {
    const at = live.takeTouch();
    if (at)
      await this.deps.activity
        .touch(live.session.id, at)
        .catch((error: unknown) => this.away(error));
  }

  private away(error: unknown): void {
    if (!this.isAway) {
      this.deps.journal.warn({ err: error }, 'sessions with open streams cannot be looked at');
    }
    this.isAway = true;
  }
}

/** None of any kind. */
export function newCounts() {
  const none = () => ({ open: 0, opened: 0, bytesIn: 0, bytesOut: 0 });
  return {
    terminal: none(),
    exec: none(),
    copy: none(),
    forward: none(),
    logs: none(),
  } satisfies Record<StreamKind, unknown>;
}

/** The answer, or an error where it takes too long. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('no answer in time')), ANSWER_MS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
