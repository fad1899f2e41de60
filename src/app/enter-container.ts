import { sameAccount } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import { shellCommand } from '../domain/session/shell.command.js';
import type { Session } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { Entry, OpenStream } from './enter-session.js';
import { EnterSession } from './enter-session.js';
import { GovernedStream } from './governed-stream.js';
import type { LiveSession } from './live-session.js';
import type { LiveStreams } from './live-streams.js';
import { placeFor } from './place.js';
import { Clock } from './ports/clock.js';
import { ClusterStreams } from './ports/cluster.streams.js';
import type { RemoteProcess } from './ports/cluster.streams.js';
import { CopyTaps } from './ports/copy.taps.js';
import { Recorder } from './ports/recorder.js';
import type { StreamRecording } from './ports/recorder.js';
import { Stopwatch } from './ports/stopwatch.js';
import type { OpenSpan, Tracer } from './ports/tracer.js';
import { UNTRACED } from './ports/tracer.js';
import { absent } from './read-session.js';
import { inputRefusal, termsRefusal } from './stream.refusals.js';
import { atStream, beginStream, endStream } from './stream.span.js';
import * as sentences from './stream.sentences.js';
import type { WaitForStart } from './wait-for-start.js';

/** Between two tries to enter a container that is being made: most are there after a quarter of a second. */
const RETRY_FIRST_MS = 25;
const RETRY_GROWTH = 1.2;
const RETRY_LONGEST_MS = 250;
/** How long a container that is said to run may refuse to be entered. */
const ACTIVE_MS = 5_000;

/** What may be overcome by trying again. The cluster's word that the broker lacks a right is none of it. */
const PASSING = new Set<Problem['problem']>([
  'container-not-ready',
  'cluster-unavailable',
  'too-many-requests',
]);

const SHELL = /^(?:\/(?:[\w.-]+\/)*)?(?:sh|ash|bash|dash|fish|ksh|zsh)$/;

/** Somebody who waits for their prompt: since when, by `performance.now()`, and whether for nobody but us and the cluster. */
interface Waiting {
  readonly sinceMs: number;
  isOnUs: boolean;
}

/** What a stream is opened with. */
interface Opening {
  readonly recording: StreamRecording;
  readonly span: OpenSpan;
  readonly waiting: Waiting;
}

/** Enters containers by exec, on the record, under the rules of their sessions. */
export class EnterContainer extends EnterSession {
  constructor(
    private readonly deps: {
      readonly wait: WaitForStart;
      readonly streams: ClusterStreams;
      readonly recorder: Recorder;
      readonly taps: CopyTaps;
      readonly live: LiveStreams;
      readonly clock: Clock;
      /** Left out: nobody measures. */
      readonly stopwatch?: Stopwatch;
      /** Left out: nobody follows. */
      readonly tracer?: Tracer;
    },
  ) {
    super();
    deps.live.onMoved = (live) => this.follow(live);
  }

  async enter(caller: Caller, entry: Entry, signal: AbortSignal): Promise<OpenStream | Problem> {
    const { wait, live } = this.deps;
    if (live.isStopping) return stopping();
    const waiting: Waiting = { sinceMs: performance.now(), isOnUs: true };
    const session = await wait.until(entry.session, {
      signal,
      mayWait: (found) => this.refusal(caller, entry, found),
    });
    if (isProblem(session)) return session;
    const { tracer = UNTRACED } = this.deps;
    const span = beginStream(tracer, session, entry);
    return tracer.within(span, () => this.open(caller, entry, { session, span, waiting, signal }));
  }

  private async open(
    caller: Caller,
    entry: Entry,
    of: Omit<Opening, 'recording'> & { readonly session: Session; readonly signal: AbortSignal },
  ): Promise<OpenStream | Problem> {
    const { session, span, waiting, signal } = of;
    const { live } = this.deps;
    const recording = await this.deps.recorder.open(
      newRecording(session, entry, caller),
      atStream(caller, span),
      () => stream.tell({ kind: 'gap', text: sentences.GAP }),
    );
    if (isProblem(recording)) {
      span.end({ refused: recording.problem });
      return recording;
    }
    const at = live.of(session);
    const stream = this.stream(at, entry, { recording, span, waiting });
    const leave = () => stream.leave();
    signal.addEventListener('abort', leave, { once: true });
    try {
      const added = live.add(at, stream);
      // Whoever must watch may be there already; else what the reading tells can wait until the process runs.
      if (at.needsWatcher) await added;
      if (live.isStopping) stream.finish({ kind: 'shutdown' });
      if (signal.aborted) leave();
      stream.tell({
        kind: 'begin',
        text: sentences.beginning(at.session, entry, this.deps.clock.now()),
      });
      if (at.gate.isOpen) {
        const problem = await this.start(at, stream);
        if (problem) return problem;
      } else {
        // Nothing runs before somebody watches.
        waiting.isOnUs = false;
        stream.tell({ kind: 'paused', text: sentences.PAUSED });
        void this.startOnceWatched(at, stream);
      }
      return stream;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Why not, whatever the session's state; strangers learn nothing. */
  private refusal(caller: Caller, entry: Entry, session: Session | undefined): Problem | undefined {
    if (!session || !sameAccount(session.requester, personOf(caller))) return absent(entry.session);
    return session.grant ? termsRefusal(session.grant.terms, entry, session.id) : undefined;
  }

  private stream(
    at: LiveSession,
    entry: Entry,
    { recording, span, waiting }: Opening,
  ): GovernedStream {
    const { live, taps } = this.deps;
    const stream: GovernedStream = new GovernedStream({
      entry,
      recording,
      recordsInput: at.session.grant?.profile.recordInput === true,
      refusesInput: inputRefusal(at.session, entry),
      isStrict: at.session.grant?.terms.recording === 'strict',
      tap:
        entry.kind === 'copy' && entry.copy
          ? taps.open(entry.copy, (file) => recording.copied(file))
          : undefined,
      gate: at.gate,
      passed: (direction, bytes) => {
        live.passed(entry.kind, direction, bytes);
        if (direction === 'in') at.hadInput();
      },
      firstShown: () => {
        if (isShell(entry) && waiting.isOnUs) this.tookToPrompt(at.session, waiting);
      },
      again: () => this.exec(at, stream),
      explain: (end) => at.explain(end),
      recordingFailed: (why) => live.recordingFailed(at, why),
      over: () => {
        live.removed(at, stream);
        void stream.ended.then((end) => endStream(span, end));
      },
    });
    return stream;
  }

  private tookToPrompt({ request }: Session, { sinceMs }: Waiting): void {
    const seconds = (performance.now() - sinceMs) / 1000;
    this.deps.stopwatch?.took('timeToPrompt', seconds, { cluster: request.cluster });
  }

  /** Begins to run, or says why not; the stream is over then. */
  private async start(at: LiveSession, stream: GovernedStream): Promise<Problem | undefined> {
    const process = await this.exec(at, stream);
    if (!isProblem(process)) stream.begin(process);
    if (!isProblem(process) || stream.hasBegun) return undefined;
    stream.finish({ kind: 'refused', problem: process });
    return process;
  }

  private async startOnceWatched(at: LiveSession, stream: GovernedStream): Promise<void> {
    while (!at.gate.isOpen && !stream.isOver) await at.gate.waits();
    if (!stream.isOver) await this.start(at, stream);
  }

  /** Tries until the container can be entered, from the moment on at which it may have been asked for. */
  private async exec(at: LiveSession, stream: GovernedStream): Promise<RemoteProcess | Problem> {
    const { streams } = this.deps;
    const { entry } = stream;
    let activeSinceMs: number | undefined;
    for (
      let backOffMs = RETRY_FIRST_MS;
      ;
      backOffMs = Math.min(backOffMs * RETRY_GROWTH, RETRY_LONGEST_MS)
    ) {
      const { session } = at;
      const answer = await streams.exec(
        placeFor(session),
        {
          command: commandOf(session, entry),
          tty: entry.tty,
          stdin: entry.stdin,
          early: at.mayBeAbsent,
        },
        stream.signal,
      );
      if (stream.isOver) {
        if (!isProblem(answer)) answer.close();
        return this.over(stream);
      }
      if (!isProblem(answer) || !PASSING.has(answer.problem)) return answer;
      if (session.state === 'active') {
        activeSinceMs ??= performance.now();
        if (performance.now() - activeSinceMs > ACTIVE_MS) return answer;
      }
      await at.changed(backOffMs);
      if (stream.isOver) return this.over(stream);
    }
  }

  /** What is told of a stream that was over before it began. */
  private async over(stream: GovernedStream): Promise<Problem> {
    const end = await stream.ended;
    if (end.kind === 'refused') return end.problem;
    if (end.kind === 'shutdown') return stopping();
    if (end.kind === 'session-over') {
      return problem('not-running', `The session ${stream.entry.session} is over. ${end.detail}`);
    }
    return problem('container-not-ready', 'The container could not be entered in time. Try again.');
  }

  /** The session has another container: shells go over to it. Commands stay where they run, and run once. */
  private follow(at: LiveSession): void {
    for (const stream of at.streams) {
      if (!(stream instanceof GovernedStream) || !isShell(stream.entry)) continue;
      void stream
        .move(() => this.exec(at, stream))
        .then((refused) => {
          if (!refused) stream.tell({ kind: 'moved', text: sentences.MOVED });
        });
    }
  }
}

function stopping(): Problem {
  const detail = 'Ask again: another replica of Hallpass answers. The session goes on.';
  return problem('replica-stopping', detail, { retryAfterSeconds: 1 });
}

/** Whether nothing is lost where it is begun anew: a shell in a terminal, by its name alone. */
function isShell({ kind, command }: Entry): boolean {
  if (kind !== 'terminal') return false;
  return command === null || (command.length === 1 && SHELL.test(command[0] ?? ''));
}

function newRecording(session: Session, entry: Entry, caller: Caller) {
  const { terms, profile } = invariant(session.grant, 'a session that starts without a grant');
  return {
    session,
    kind: entry.kind,
    way: entry.way,
    person: personOf(caller),
    mode: terms.recording,
    command: entry.command ?? [profile.shell],
    tty: entry.tty,
    columns: entry.size.columns,
    rows: entry.size.rows,
    input: profile.recordInput,
    keepSeconds: terms.keepRecordingSeconds,
    openMax: terms.streams,
  };
}

function commandOf(session: Session, entry: Entry): readonly string[] {
  const { profile } = invariant(session.grant, 'a session that starts without a grant');
  return entry.command ?? shellCommand(profile, entry.tty);
}
