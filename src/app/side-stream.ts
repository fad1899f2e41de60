import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import type { RecordingEnd, StreamKind } from '../domain/recording/recording.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import { Presence } from './ports/presence.js';
import type { StreamRecording } from './ports/recorder.js';
import { Recorder } from './ports/recorder.js';
import { SessionNews } from './ports/session.news.js';
import { SessionStore } from './ports/session.store.js';

const LOOK_MS = 5_000;
const TIMER_MS_MAX = 2_147_483_647;

/** A stream of a session that does not go into its container: a log, forwarded ports. */
export interface SideStream {
  readonly recording: StreamRecording;
  /** Aborted, with a sentence as its reason, when the stream must end. */
  readonly signal: AbortSignal;
  /** To be called once, when it is over. */
  close(end: RecordingEnd): Promise<void>;
}

/** `open`: puts such a stream on the record, for as long as the session runs and its terms allow. */
export class OpenSideStream {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly news: SessionNews;
      readonly recorder: Recorder;
      readonly presence: Presence;
      readonly clock: Clock;
    },
  ) {}

  /**
   * @returns `not-running` where the session does not run, or waits for somebody to watch it; else what the recorder
   * says where it cannot record.
   */
  async open(
    caller: Caller,
    session: Session,
    what: { readonly kind: Extract<StreamKind, 'logs' | 'forward'>; readonly command: string[] },
  ): Promise<SideStream | Problem> {
    const { terms } = invariant(session.grant, 'a session in use without a grant');
    const why = await this.whyOver(session.id);
    if (why !== undefined) return problem('not-running', why);
    const recording = await this.deps.recorder.open(
      {
        session,
        kind: what.kind,
        way: 'kubectl',
        person: personOf(caller),
        mode: terms.recording,
        command: what.command,
        tty: false,
        columns: 80,
        rows: 24,
        input: false,
        keepSeconds: terms.keepRecordingSeconds,
        openMax: terms.streams,
      },
      caller.actor,
    );
    if (isProblem(recording)) return recording;
    const life = this.follow(session, recording);
    void recording.failed.then((why) => life.abort(`It cannot be recorded any more: ${why}`));
    return {
      recording,
      signal: life.signal,
      close: async (end) => {
        life.stop();
        await recording.finish(end);
      },
    };
  }

  /**
   * Aborts when the session is over, or when nobody watches any more who must, and tells the recording whether somebody
   * does. News may be lost, so it looks as well.
   */
  private follow(session: Session, recording: StreamRecording) {
    const over = new AbortController();
    const look = () => {
      void this.tellOfWatchers(session.id, recording);
      void this.whyOver(session.id).then(
        (why) => {
          if (why !== undefined) over.abort(why);
        },
        // The database is away: the next look, or the deadline, tells.
        () => undefined,
      );
    };
    const heard = (id: SessionId) => {
      if (id === session.id) look();
    };
    const stops = [this.deps.news.subscribe(heard), this.deps.presence.subscribe(heard)];
    void this.tellOfWatchers(session.id, recording);
    const timer = setInterval(look, LOOK_MS);
    const leftMs = (session.deadlineAt?.getTime() ?? Infinity) - this.deps.clock.now().getTime();
    // At the deadline as it was: where it has been moved, the look finds the session alive.
    const deadline = leftMs < TIMER_MS_MAX ? setTimeout(look, Math.max(0, leftMs)) : undefined;
    return {
      signal: over.signal,
      abort: (why: string) => over.abort(why),
      stop: () => {
        for (const stop of stops) stop();
        clearInterval(timer);
        clearTimeout(deadline);
      },
    };
  }

  private async tellOfWatchers(id: SessionId, recording: StreamRecording): Promise<void> {
    try {
      recording.watched((await this.deps.presence.watching(id)).length > 0);
    } catch {
      // The database is away, where they would look.
    }
  }

  private async whyOver(id: SessionId): Promise<string | undefined> {
    const session = await this.deps.store.find(id);
    if (session?.state === 'approved') return `Session ${id} is about to start: try again.`;
    if (session?.state !== 'starting' && session?.state !== 'active') {
      return session?.endDetail ?? 'The session is over.';
    }
    const { deadlineAt } = session;
    if (deadlineAt !== null && deadlineAt <= this.deps.clock.now()) {
      return 'The session has reached its deadline.';
    }
    return this.unwatched(session);
  }

  private async unwatched(session: Session): Promise<string | undefined> {
    if (session.grant?.terms.watcher !== 'required') return undefined;
    const watching = await this.deps.presence.watching(session.id);
    return watching.length > 0
      ? undefined
      : `Session ${session.id} waits until somebody watches it: \`hallpass watch ${session.id}\` is for those who may.`;
  }
}
