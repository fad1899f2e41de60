import { afterEach, describe, expect, it, vi } from 'vitest';
import { TarTaps } from '../adapters/tar/tar.taps.js';
import {
  MemoryActivity,
  MemoryPresence,
  MemoryRecorder,
} from '../../test/support/in-memory.streams.js';
import { MemoryJournal, MemorySessionStore } from '../../test/support/in-memory.ports.js';
import { PlayedStreams } from '../../test/support/played.streams.js';
import { ALEX, actorOf, grantOf, newSession, ROBIN, SYSTEM } from '../../test/support/sessions.js';
import type { Terms } from '../domain/policy/policy.js';
import { isProblem } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import { SystemClock } from '../adapters/jobs/system.clock.js';
import { EnterContainer } from './enter-container.js';
import type { Entry, Notice, OpenStream } from './enter-session.js';
import { LiveStreams } from './live-streams.js';
import { firstStep, stepOf } from './session-step.js';
import type { Changes } from './session-step.js';
import { StopSession } from './stop-session.js';
import { WaitForStart } from './wait-for-start.js';

const NEVER = new AbortController().signal;

class Lab {
  readonly store = new MemorySessionStore();
  readonly presence = new MemoryPresence();
  readonly recorder = new MemoryRecorder();
  readonly activity = new MemoryActivity();
  readonly streams = new PlayedStreams();
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
        session: { ...rest, request: { ...request, durationSeconds: seconds } },
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

async function text(stream: OpenStream): Promise<string> {
  let shown = '';
  for await (const { data } of stream.output) shown += Buffer.from(data).toString();
  return shown;
}

const told = (notices: readonly Notice[]) => notices.map(({ kind }) => kind);

let lab: Lab;
afterEach(() => lab.live.stop());

describe('what is shown', () => {
  it('is not asked for while nobody reads it', async () => {
    lab = await new Lab().active();
    const { recording } = await lab.enter();
    const process = await lab.streams.next();
    for (let n = 0; n < 100; n++) process.say({ stream: 'stdout', data: Buffer.alloc(1_000) });
    await new Promise((resolve) => setImmediate(resolve));
    expect(recording.chunks).toEqual([]);
  });
});

describe('a container that is being made', () => {
  it('is tried again and again, as one that may not be there', async () => {
    lab = await new Lab().starting();
    lab.streams.refusals = 3;
    await lab.enter();
    expect(lab.streams.asked.map(({ early }) => early)).toEqual([true, true, true, true]);
  });

  it('is entered once it is seen to run, though that is not stored', async () => {
    lab = await new Lab().starting();
    const { live, streams, session } = lab;
    streams.refusals = Infinity;
    const entering = lab.enter();
    await vi.waitUntil(() => streams.asked.length > 1);
    live.sawRunning(session.id);
    streams.refusals = 0;
    await entering;
    expect(streams.asked.at(-1)).toMatchObject({ early: false });
    expect(lab.session.state).toBe('starting');
  });

  it('that is seen to run is news to those who wait between two tries', async () => {
    lab = await new Lab().starting();
    const { live, session } = lab;
    const woken = live.of(session).changed(60_000);
    live.sawRunning(session.id);
    await woken;
  });
});

describe('a session that is over', () => {
  it('closes its streams soon, even where all news are lost', async () => {
    lab = await new Lab().active();
    const { stream, recording } = await lab.enter();
    const shown = text(stream);
    const process = await lab.streams.next();
    lab.store.news.lost = true;
    const began = performance.now();
    await lab.revoke();
    expect(await stream.ended).toEqual({
      kind: 'session-over',
      reason: 'revoked',
      detail: 'Revoked by alex.',
    });
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(process.isClosed).toBe(true);
    expect(await stream.write(Buffer.from('x'))).toBe(false);
    await shown;
    expect(recording.end?.why).toBe('the session ended: revoked');
    expect(lab.live.counts().terminal).toMatchObject({ open: 0, opened: 1 });
  });

  it('is not entered in the very moment of its end', async () => {
    lab = await new Lab().active();
    lab.streams.held = Promise.withResolvers<undefined>();
    const entering = lab.enter();
    await expect.poll(() => lab.streams.asked.length).toBe(1);
    await lab.revoke();
    await expect.poll(() => lab.recorder.latest.end).toBeDefined();
    lab.streams.held.resolve(undefined);
    await expect(entering).rejects.toThrow('is over. Revoked by alex.');
    expect(lab.streams.made.every(({ isClosed }) => isClosed)).toBe(true);
  });

  it('by its deadline is told of five minutes and one minute before', async () => {
    for (const seconds of [300, 60]) {
      lab = await new Lab().active(seconds + 0.2);
      const { notices } = await lab.enter();
      await expect.poll(() => told(notices)).toContain('deadline');
      const { text: sentence } = notices.find(({ kind }) => kind === 'deadline') ?? { text: '' };
      expect(sentence).toContain(seconds === 300 ? 'in 5 minutes' : 'in 1 minute');
      await lab.live.stop();
    }
  });

  it('by its deadline takes no more streams, and keeps none that come after others were closed', async () => {
    lab = await new Lab().active(0.5);
    const one = await lab.enter();
    one.stream.leave();
    const { stream } = await lab.enter();
    expect(await stream.ended).toMatchObject({ reason: 'deadline' });
    await expect(lab.enter()).rejects.toThrow('is over. The time was up.');
  });

  it('by its deadline loses its streams by the clock of the replica alone', async () => {
    lab = await new Lab().active(0.5);
    const { stream } = await lab.enter();
    lab.store.broken = new Error('away');
    expect(await stream.ended).toMatchObject({ kind: 'session-over', reason: 'deadline' });
  });
});

describe('a session that is given another container', () => {
  const second = (session: Session): Changes => ({
    ...(session.container
      ? { container: { ...session.container, name: `${session.container.name}-2` } }
      : {}),
  });

  it('takes its terminals along, and leaves commands where they run', async () => {
    lab = await new Lab().active();
    const terminal = await lab.enter();
    const first = await lab.streams.next();
    const command = await lab.enter({ kind: 'exec', command: ['top'], tty: false });
    const other = await lab.streams.next();
    const shown = text(terminal.stream);
    first.say({ stream: 'stdout', data: Buffer.from('old ') });
    await terminal.stream.resize({ columns: 120, rows: 50 });

    await lab.step('note', second(lab.session));
    const moved = await lab.streams.next();
    await expect.poll(() => told(terminal.notices)).toContain('moved');
    expect([first.isClosed, other.isClosed]).toEqual([true, false]);
    expect(moved.place.containerName).toBe(`hallpass-${lab.session.id}-2`);
    expect(moved.sizes).toEqual([{ columns: 120, rows: 50 }]);
    await terminal.stream.write(Buffer.from('ls'));
    expect(moved.taken).toBe('ls');
    moved.say({ stream: 'stdout', data: Buffer.from('new') });
    moved.exit(3);
    expect(await shown).toBe('old new');
    expect(await terminal.stream.ended).toEqual({ kind: 'exited', code: 3 });
    expect(terminal.recording.shown).toBe('old new');
    expect(told(command.notices)).not.toContain('moved');
  });

  it('does not lose a terminal whose old container ends while the new one is not there yet', async () => {
    lab = await new Lab().active();
    const { stream } = await lab.enter();
    const first = await lab.streams.next();
    const shown = text(stream);
    lab.streams.refusals = 3;
    await lab.step('note', second(lab.session));
    first.break();
    const moved = await lab.streams.next();
    moved.say({ stream: 'stdout', data: Buffer.from('new') });
    moved.exit(0);
    expect(await shown).toBe('new');
  });
});

describe('who watches', () => {
  it('is told by name, though the requester themself is nobody to be told of', async () => {
    lab = await new Lab().active();
    const { notices } = await lab.enter();
    const leave = await lab.presence.join(lab.session.id, ALEX);
    await lab.presence.join(lab.session.id, ROBIN);
    await leave();
    await expect.poll(() => told(notices)).toEqual(['begin', 'watched', 'unwatched']);
    expect(notices[1]?.text).toBe('alex@example.com is watching.');
  });

  it('and must, is noticed even where all news are lost', async () => {
    lab = await new Lab().active(600, { watcher: 'required' });
    lab.presence.lost = true;
    const { stream, notices } = await lab.enter();
    expect(lab.streams.asked).toEqual([]);
    await lab.presence.join(lab.session.id, ALEX);
    const process = await lab.streams.next();
    process.exit(0);
    await text(stream);
    expect(told(notices)).toEqual(['begin', 'paused', 'watched', 'resumed']);
  });
});

it('input is kept for other replicas, the last of it too', async () => {
  lab = await new Lab().active(600, { idleSeconds: 4 });
  const { stream } = await lab.enter();
  await stream.write(Buffer.from('a'));
  await expect.poll(() => lab.activity.at.size, { timeout: 3_000 }).toBe(1);
  await stream.write(Buffer.from('b'));
  const typedAt = Date.now();
  await expect
    .poll(() => lab.activity.at.get(lab.session.id)?.getTime(), { timeout: 4_000 })
    .toBeGreaterThan(typedAt - 100);
});

it('a replica that is stopped ends its streams, and finishes their recordings', async () => {
  lab = await new Lab().active();
  const { stream, recording } = await lab.enter();
  await lab.live.stop();
  expect(await stream.ended).toEqual({ kind: 'shutdown' });
  expect(recording.end).toEqual({ exitCode: null, why: 'this replica was stopped' });
});
