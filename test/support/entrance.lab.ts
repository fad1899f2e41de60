import { SystemClock } from '../../src/adapters/jobs/system.clock.js';
import { TarTaps } from '../../src/adapters/tar/tar.taps.js';
import { EnterContainer } from '../../src/app/enter-container.js';
import type { Entry, Notice, OpenStream } from '../../src/app/enter-session.js';
import { LiveStreams } from '../../src/app/live-streams.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import type { Changes } from '../../src/app/session-step.js';
import { StopSession } from '../../src/app/stop-session.js';
import { WaitForStart } from '../../src/app/wait-for-start.js';
import type { Terms } from '../../src/domain/policy/policy.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { MemoryJournal, MemorySessionStore } from './in-memory.ports.js';
import { MemoryActivity, MemoryPresence, MemoryRecorder } from './in-memory.streams.js';
import { KeptTimes } from './kept.times.js';
import { PlayedStreams } from './played.streams.js';
import { actorOf, grantOf, newSession, ROBIN, SYSTEM } from './sessions.js';

const NEVER = new AbortController().signal;

/** Sessions, streams and recordings in memory, and what enters containers through them. */
export class EntranceLab {
  readonly store = new MemorySessionStore();
  readonly presence = new MemoryPresence();
  readonly recorder = new MemoryRecorder();
  readonly activity = new MemoryActivity();
  readonly streams = new PlayedStreams();
  readonly times = new KeptTimes();
  readonly live: LiveStreams;
  private readonly entering: EnterContainer;
  session: Session = newSession();

  constructor() {
    const { store, presence, activity, streams, recorder } = this;
    const clock = new SystemClock();
    const journal = new MemoryJournal();
    const stop = new StopSession({ store, clock, journal, replica: 'test' });
    const { news } = store;
    this.live = new LiveStreams({ store, news, presence, activity, stop, clock, journal });
    const wait = new WaitForStart({ store, news });
    const { live } = this;
    this.entering = new EnterContainer({
      wait,
      streams,
      recorder,
      live,
      clock,
      taps: new TarTaps(),
      stopwatch: this.times,
    });
    live.start();
  }

  /** A session whose container is being made. */
  starting(): Promise<this> {
    return this.active(600, {}, false);
  }

  /** A session that is active for so long, on terms. */
  async active(seconds = 600, terms: Partial<Terms> = {}, isRunning = true): Promise<this> {
    const grant = grantOf('a1');
    const asked = newSession({ grant: { ...grant, terms: { ...grant.terms, ...terms } } });
    const { request, ...rest } = asked;
    await this.written(
      firstStep({
        session: { ...rest, request: { ...request, durationSeconds: Math.ceil(seconds) } },
        event: 'grant',
        capacities: ['requester'],
        actor: actorOf(ROBIN),
        at: new Date(),
      }),
    );
    const startBy = new Date(Date.now() + 30_000);
    const container = { name: `hallpass-${asked.id}`, image: 'busybox', startBy };
    await this.step('start', { startingAt: new Date(), container });
    if (!isRunning) return this;
    const deadlineAt = new Date(Date.now() + seconds * 1000);
    await this.step('run', { startedAt: new Date(), deadlineAt });
    return this;
  }

  async step(event: 'start' | 'run' | 'note' | 'revoke', changes: Changes): Promise<void> {
    const { session } = this;
    await this.written(
      stepOf({ session, event, capacities: ['system'], actor: SYSTEM, at: new Date(), changes }),
    );
  }

  revoke(): Promise<void> {
    return this.step('revoke', {
      endReason: 'revoked',
      endDetail: 'Revoked by alex.',
      endingAt: new Date(),
    });
  }

  async enter(more: Partial<Entry> = {}) {
    const opened = await this.entering.enter(
      { actor: actorOf(ROBIN), roles: ['requester'] },
      {
        session: this.session.id,
        kind: 'terminal',
        way: 'cli',
        command: null,
        tty: true,
        stdin: true,
        size: { columns: 80, rows: 24 },
        ...more,
      },
      NEVER,
    );
    if (isProblem(opened)) throw new Error(opened.detail);
    return { stream: opened, notices: heard(opened), recording: this.recorder.latest };
  }

  private async written(step: Parameters<MemorySessionStore['write']>[0]): Promise<void> {
    const session = await this.store.write(step);
    if (isProblem(session)) throw new Error(session.detail);
    this.session = session;
  }
}

function heard(stream: OpenStream): Notice[] {
  const notices: Notice[] = [];
  void (async () => {
    for await (const notice of stream.notices) notices.push(notice);
  })();
  return notices;
}

/** What is shown, to its end. */
export async function text(stream: OpenStream): Promise<string> {
  let shown = '';
  for await (const { data } of stream.output) shown += Buffer.from(data).toString();
  return shown;
}

export const told = (notices: readonly Notice[]) => notices.map(({ kind }) => kind);
