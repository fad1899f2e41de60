import { samePerson } from '../domain/person.js';
import { problem } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import type { State } from '../domain/session/session.machine.js';
import type { StreamKind } from '../domain/recording/recording.js';
import { Gate } from './gate.js';
import type { Notice, StreamEnd } from './enter-session.js';
import type { Clock } from './ports/clock.js';
import type { ProcessEnd } from './ports/cluster.streams.js';
import type { Watching } from './ports/presence.js';
import * as sentences from './stream.sentences.js';

/** So long before the deadline people are told of it. */
const TELL_BEFORE_MS = [300_000, 60_000] as const;
const IDLE_WARNING_MS = 60_000;
/** Input is kept for other replicas this often at most: an idle session may end so much later. */
const TOUCH_MS_MAX = 15_000;
/** The longest that one waits: the clock that the deadline is by may be put right meanwhile. */
const TIMER_MS_MAX = 10_000;
/** How long the news of a session's end may take longer than the end of its streams. */
const NEWS_MS = 1_500;
/** The same for a process that was killed, which people do too. */
const NEWS_OF_KILL_MS = 400;
/** An exit so close to the deadline is the deadline's. */
const DEADLINE_SLACK_MS = 2_500;
/** 128 and SIGKILL: how the timer ends what runs. */
const KILLED = 137;

const ENTERABLE: ReadonlySet<State> = new Set(['approved', 'starting', 'active']);

/** A stream of whatever kind, as far as its session governs it. */
export interface LiveStream {
  readonly kind: StreamKind;
  /** Ends it at once, with its recording; the first end counts. */
  finish(end: StreamEnd): void;
  tell(notice: Notice): void;
  /** Somebody watches it, or nobody does any more. */
  watched(isWatched: boolean): void;
  /** Resolves when it is over and recorded. */
  readonly finished: Promise<unknown>;
}

/** What of a session passes through this replica, and the session as it was last read. */
export class LiveSession {
  private readonly open = new Set<LiveStream>();
  /** Nothing passes while a watcher is required and none is there. */
  readonly gate: Gate;
  private readonly change = new Gate(false);
  private watchers: readonly Watching[] = [];
  /** Looks at who watches: how many were begun, and the newest of which something is known. */
  private looks = { begun: 0, known: 0 };
  private timers: NodeJS.Timeout[] = [];
  private armedFor: number | undefined;
  private inputAt: Date | undefined;
  private touchedAt: Date | undefined;
  private isIdleTold = false;
  /** The name of the container that was seen to run. */
  private running: string | undefined;

  constructor(
    private current: Session,
    private readonly clock: Clock,
  ) {
    this.gate = new Gate(current.grant?.terms.watcher !== 'required');
  }

  get session(): Session {
    return this.current;
  }

  get streams(): ReadonlySet<LiveStream> {
    return this.open;
  }

  /** From now on the stream ends with the session. */
  add(stream: LiveStream): void {
    this.open.add(stream);
    stream.watched(this.watchers.length > 0);
    this.arm();
  }

  /** Ends a stream of a session that is over. */
  endIfOver(stream: LiveStream): void {
    if (!ENTERABLE.has(this.current.state)) stream.finish(sentences.sessionOver(this.current));
  }

  /** @returns whether it was the last one. */
  remove(stream: LiveStream): boolean {
    this.open.delete(stream);
    if (this.open.size > 0) return false;
    this.rest();
    return true;
  }

  get needsWatcher(): boolean {
    return this.current.grant?.terms.watcher === 'required';
  }

  /** The session as it is stored now; an older reading changes nothing. @returns whether its container is another. */
  took(session: Session): 'moved' | 'same' {
    if (session.version <= this.current.version) return 'same';
    const before = this.current;
    this.current = session;
    this.change.wake();
    if (!ENTERABLE.has(session.state)) {
      this.close(sentences.sessionOver(session));
      return 'same';
    }
    this.arm();
    const hasMoved =
      before.container !== null &&
      session.container !== null &&
      before.container.name !== session.container.name;
    return hasMoved ? 'moved' : 'same';
  }

  /** Its container was seen to run, which takes a moment to be stored: who waits for it need not. */
  sawRunning(): void {
    this.running = this.current.container?.name;
    this.change.wake();
  }

  /** Whether its container may be one that does not run yet. */
  get mayBeAbsent(): boolean {
    const { state, container } = this.current;
    return state === 'starting' && container?.name !== this.running;
  }

  /** Resolves when the session changes, after so long at the latest. */
  async changed(limitMs: number): Promise<void> {
    const timer = setTimeout(() => this.change.wake(), limitMs);
    await this.change.waits();
    clearTimeout(timer);
  }

  /** Ends all its streams. */
  close(end: StreamEnd): void {
    this.rest();
    for (const stream of this.open) stream.finish(end);
    this.change.wake();
  }

  private rest(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    this.armedFor = undefined;
  }

  tell(kind: Notice['kind'], text: string): void {
    for (const stream of this.open) stream.tell({ kind, text });
  }

  /** A look at who watches begins. @returns its number, by which it is known how old what it saw is. */
  beginsLook(): number {
    return ++this.looks.begun;
  }

  /**
   * Who watches, by a look that was begun; undefined: it cannot be known, which counts as nobody where somebody must.
   * Answers may come in another order than they were asked for: an older one changes nothing.
   */
  seesWatchers(watchers: readonly Watching[] | undefined, look = this.beginsLook()): void {
    if (look < this.looks.known) return;
    this.looks.known = look;
    const before = this.watchers;
    if (watchers) {
      const others = watchers.filter(({ person }) => !samePerson(person, this.current.requester));
      const came = others.filter((it) => !before.some(({ id }) => id === it.id));
      const gone = before.filter((it) => !others.some(({ id }) => id === it.id));
      this.watchers = others;
      for (const { person } of came) this.tell('watched', sentences.watched(person));
      for (const { person } of gone) this.tell('unwatched', sentences.unwatched(person));
      for (const stream of this.open) stream.watched(others.length > 0);
    }
    if (!this.needsWatcher) return;
    const isOpen = watchers !== undefined && this.watchers.length > 0;
    if (!this.gate.set(isOpen)) return;
    if (isOpen) this.tell('resumed', sentences.RESUMED);
    else this.tell('paused', sentences.PAUSED);
  }

  /** Somebody typed. */
  hadInput(): void {
    if (this.idleMs === undefined) return;
    this.inputAt = this.clock.now();
    this.isIdleTold = false;
  }

  /** Input that is to be kept for the others now. */
  takeTouch(): Date | undefined {
    const { idleMs, inputAt, touchedAt } = this;
    if (idleMs === undefined || !inputAt || inputAt === touchedAt) return undefined;
    const waited = touchedAt ? this.clock.now().getTime() - touchedAt.getTime() : Infinity;
    if (waited < touchEveryMs(idleMs)) return undefined;
    this.touchedAt = inputAt;
    return inputAt;
  }

  /** Whether it is time to say that it ends soon because nothing is typed; `latest` tells of input elsewhere. */
  async warnIfIdle(latest: () => Promise<Date | undefined>): Promise<void> {
    const { idleMs, inputAt } = this;
    if (idleMs === undefined || this.isIdleTold || this.leftMs(idleMs, inputAt) > warnMs(idleMs)) {
      return;
    }
    const elsewhere = await latest();
    if (elsewhere && (!this.inputAt || elsewhere > this.inputAt)) this.inputAt = elsewhere;
    const leftMs = this.leftMs(idleMs, this.inputAt);
    if (leftMs > warnMs(idleMs)) return;
    this.isIdleTold = true;
    this.tell('idle', sentences.idle(leftMs));
  }

  /** What the end of a process means, given what becomes of the session at the same time. */
  async explain(end: ProcessEnd): Promise<StreamEnd> {
    if (end.kind === 'failed') {
      const detail = `It could not be run in the container. ${end.detail}`;
      return { kind: 'refused', problem: problem('cluster-refused', detail) };
    }
    if (end.kind === 'exited' && end.code !== KILLED) return end;
    const endsAt = this.current.deadlineAt?.getTime() ?? Infinity;
    if (this.clock.now().getTime() >= endsAt - DEADLINE_SLACK_MS) {
      return sentences.sessionOverBy('deadline', 'The time was up.');
    }
    const until = performance.now() + (end.kind === 'lost' ? NEWS_MS : NEWS_OF_KILL_MS);
    const { container } = this.current;
    // With another container there is more to follow.
    const isSame = () => this.current.container?.name === container?.name;
    while (ENTERABLE.has(this.current.state) && isSame() && performance.now() < until) {
      await this.changed(until - performance.now());
    }
    return ENTERABLE.has(this.current.state) ? end : sentences.sessionOver(this.current);
  }

  /** Open streams, by kind. */
  count(kind: StreamKind): number {
    return [...this.open].filter((it) => it.kind === kind).length;
  }

  private get idleMs(): number | undefined {
    const seconds = this.current.grant?.terms.idleSeconds ?? null;
    return seconds === null ? undefined : seconds * 1000;
  }

  private leftMs(idleMs: number, inputAt: Date | undefined): number {
    const since = inputAt ?? this.current.startedAt ?? this.clock.now();
    return since.getTime() + idleMs - this.clock.now().getTime();
  }

  /** The deadline by a timer of this replica's own: it holds when nothing else can be reached. */
  private arm(): void {
    const { deadlineAt, container, request } = this.current;
    const started = deadlineAt?.getTime();
    const latest = container
      ? container.startBy.getTime() + request.durationSeconds * 1000
      : undefined;
    const endsAt = started ?? latest;
    if (endsAt === undefined || endsAt === this.armedFor) return;
    this.armedFor = endsAt;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
    this.after(endsAt, () => this.close(sentences.sessionOverBy('deadline', 'The time was up.')));
    if (!deadlineAt) return;
    const now = this.clock.now();
    for (const beforeMs of TELL_BEFORE_MS) {
      const at = deadlineAt.getTime() - beforeMs;
      if (at <= now.getTime()) continue;
      this.after(at, () =>
        this.tell('deadline', sentences.deadlineNear(deadlineAt, this.clock.now())),
      );
    }
  }

  private after(at: number, act: () => void): void {
    const index = this.timers.length;
    const wait = () => {
      const leftMs = at - this.clock.now().getTime();
      if (leftMs <= 0) act();
      else this.timers[index] = setTimeout(wait, Math.min(leftMs, TIMER_MS_MAX)).unref();
    };
    wait();
  }
}

/** How often input is kept, by how long none is allowed. */
export function touchEveryMs(idleMs: number): number {
  return Math.min(TOUCH_MS_MAX, idleMs / 4);
}

function warnMs(idleMs: number): number {
  return Math.min(IDLE_WARNING_MS, idleMs / 2);
}
