import { samePerson } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import type { StreamKind } from '../domain/recording/recording.js';
import type { Session } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { LiveStreams } from './live-streams.js';
import { Presence } from './ports/presence.js';
import type { StreamRecording } from './ports/recorder.js';
import { Recorder } from './ports/recorder.js';
import type { OpenSpan, Tracer } from './ports/tracer.js';
import { UNTRACED } from './ports/tracer.js';
import { SideStream, unwatched } from './side-stream.js';
import { atStream, beginStream } from './stream.span.js';
import { isShown } from './watchers.js';

/** `open`: puts a stream that goes beside the container on the record, and under the rules of its session. */
export class OpenSideStream {
  constructor(
    private readonly deps: {
      readonly live: LiveStreams;
      readonly recorder: Recorder;
      readonly presence: Presence;
      /** Left out: nobody follows. */
      readonly tracer?: Tracer;
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
    if (!isShown(session)) {
      return problem('not-running', `Session ${session.id} is about to start: try again.`);
    }
    // Asked before anything is recorded; what holds from then on is the session's gate.
    if (terms.watcher === 'required' && !(await this.isWatched(session))) {
      return unwatched(session.id);
    }
    const { tracer = UNTRACED } = this.deps;
    const span = beginStream(tracer, session, { kind: what.kind, way: 'kubectl' });
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
      atStream(caller, span),
    );
    if (isProblem(recording)) {
      span.end({ refused: recording.problem });
      return recording;
    }
    return this.govern(session, what.kind, { recording, span });
  }

  /** The session may have changed since it was read: what becomes of it is looked at before anything passes. */
  private async govern(
    session: Session,
    kind: Extract<StreamKind, 'logs' | 'forward'>,
    { recording, span }: { readonly recording: StreamRecording; readonly span: OpenSpan },
  ): Promise<SideStream | Problem> {
    const { live } = this.deps;
    const at = live.of(session);
    const stream = new SideStream({
      kind,
      session: session.id,
      recording,
      passed: (direction, bytes) => {
        live.passed(kind, direction, bytes);
        if (direction === 'in') at.hadInput();
      },
      over: (it) => {
        live.removed(at, it);
        span.end();
      },
    });
    const isStrict = session.grant?.terms.recording === 'strict';
    void recording.failed.then((why) => {
      // Also where it was over before the last of it could not be stored.
      if (!stream.signal.aborted || isStrict) live.recordingFailed(at, why);
    });
    await live.add(at, stream);
    if (live.isStopping) stream.finish({ kind: 'shutdown' });
    if (!at.gate.isOpen) stream.finish({ kind: 'refused', problem: unwatched(session.id) });
    return stream.signal.aborted ? problem('not-running', String(stream.signal.reason)) : stream;
  }

  private async isWatched({ id, requester }: Session): Promise<boolean> {
    const watching = await this.deps.presence.watching(id);
    return watching.some(({ person }) => !samePerson(person, requester));
  }
}
