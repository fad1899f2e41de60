import { afterEach, describe, expect, it } from 'vitest';
import { MemoryJournal, MemorySessionStore } from '../../test/support/in-memory.ports.js';
import {
  MemoryActivity,
  MemoryPresence,
  MemoryRecorder,
} from '../../test/support/in-memory.streams.js';
import { keptSpans } from '../../test/support/kept.spans.js';
import { tookMs } from '../../test/support/own.time.js';
import { ALEX, actorOf, grantOf, newSession, ROBIN, SYSTEM } from '../../test/support/sessions.js';
import { SystemClock } from '../adapters/jobs/system.clock.js';
import type { Terms } from '../domain/policy/policy.js';
import { isProblem } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import type { SessionEvent } from '../domain/session/session.machine.js';
import type { Traceparent } from '../domain/traceparent.js';
import { LiveStreams } from './live-streams.js';
import { OpenSideStream } from './open-side-stream.js';
import type { Tracer } from './ports/tracer.js';
import { UNTRACED } from './ports/tracer.js';
import type { Changes } from './session-step.js';
import { firstStep, stepOf } from './session-step.js';
import type { SideStream } from './side-stream.js';
import { StopSession } from './stop-session.js';

const ROBINS = { actor: actorOf(ROBIN), roles: ['requester'] } as const;

class Lab {
  readonly store = new MemorySessionStore();
  readonly presence = new MemoryPresence();
  readonly recorder = new MemoryRecorder();
  readonly activity = new MemoryActivity();
  readonly live: LiveStreams;
  private readonly opening: OpenSideStream;
  session: Session = newSession();

  constructor(
    private readonly tracer: Tracer = UNTRACED,
    private readonly traceparent: Traceparent | null = null,
  ) {
    const { store, presence, activity, recorder } = this;
    const clock = new SystemClock();
    const journal = new MemoryJournal();
    const stop = new StopSession({ store, clock, journal, replica: 'test' });
    const { news } = store;
    this.live = new LiveStreams({ store, news, presence, activity, stop, clock, journal });
    this.opening = new OpenSideStream({ live: this.live, recorder, presence, tracer });
    this.live.start();
  }

  /** A session whose container is being made, for so long, on terms. */
  async starting(seconds = 600, terms: Partial<Terms> = {}): Promise<this> {
    const grant = grantOf('a1');
    const { traceparent } = this;
    const asked = newSession({
      grant: { ...grant, terms: { ...grant.terms, ...terms } },
      traceparent,
    });
    const { request, ...rest } = asked;
    const first = await this.store.write(
      firstStep({
        session: { ...rest, request: { ...request, durationSeconds: Math.ceil(seconds) } },
        event: 'grant',
        capacities: ['requester'],
        actor: actorOf(ROBIN),
        at: new Date(),
      }),
    );
    if (isProblem(first)) throw new Error(first.detail);
    this.session = first;
    const startBy = new Date(Date.now() + 30_000);
    const container = { name: `hallpass-${asked.id}`, image: 'busybox', startBy };
    await this.step('start', { startingAt: new Date(), container });
    return this;
  }

  async active(seconds = 600, terms: Partial<Terms> = {}): Promise<this> {
    await this.starting(seconds, terms);
    await this.run(seconds);
    return this;
  }

  run(seconds: number): Promise<void> {
    const deadlineAt = new Date(Date.now() + seconds * 1000);
    return this.step('run', { startedAt: new Date(), deadlineAt });
  }

  revoke(): Promise<void> {
    const endDetail = 'Revoked by alex.';
    return this.step('revoke', { endReason: 'revoked', endDetail, endingAt: new Date() });
  }

  /** Asks for one, as the session is known now. */
  open(kind: 'logs' | 'forward' = 'forward') {
    return this.opening.open(ROBINS, this.session, { kind, command: [kind] });
  }

  async opened(kind?: 'logs' | 'forward'): Promise<SideStream> {
    const stream = await this.open(kind);
    if (isProblem(stream)) throw new Error(stream.detail);
    return stream;
  }

  private async step(event: SessionEvent, changes: Changes): Promise<void> {
    const { session } = this;
    const written = await this.store.write(
      stepOf({ session, event, capacities: ['system'], actor: SYSTEM, at: new Date(), changes }),
    );
    if (isProblem(written)) throw new Error(written.detail);
    this.session = written;
  }
}

/** The sentence with which it ends, and how long that took. */
async function endOf({ signal }: SideStream): Promise<{ why: string; afterMs: number }> {
  const ended = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const afterMs = await tookMs(() => ended);
  return { why: String(signal.reason), afterMs };
}

let lab: Lab;
afterEach(() => lab.live.stop());

describe('logs and forwarded ports', () => {
  it('are in the trace of their session until their recording is finished, and so is what is told of it', async () => {
    const { tracer, spans } = keptSpans();
    const asked = tracer.begin('http.request', { under: null });
    const opening = tracer.begin('http.request', { under: null });
    lab = await new Lab(tracer, asked.traceparent ?? null).active();
    const stream = await tracer.within(opening, () => lab.opened('logs'));
    const [by] = lab.recorder.openedBy;
    const told = by?.kind === 'person' ? by.traceparent : undefined;
    stream.close('Enough.');
    await stream.finished;
    const kept = async () => {
      await tracer.close();
      return spans;
    };
    await expect.poll(kept).toHaveLength(1);
    const [span] = spans;
    expect(span?.name).toBe('session.stream');
    expect(span?.parentSpanContext?.traceId).toBe(asked.traceparent?.split('-')[1]);
    expect(span?.links.map(({ context }) => context.traceId)).toEqual([
      opening.traceparent?.split('-')[1],
    ]);
    expect(told?.split('-').slice(1, 3)).toEqual([
      span?.spanContext().traceId,
      span?.spanContext().spanId,
    ]);
    expect(span?.attributes).toMatchObject({
      'hallpass.session.id': lab.session.id,
      'hallpass.stream.kind': 'logs',
    });
  });

  it('end at the deadline, also where the database is away', async () => {
    lab = await new Lab().active(1.5);
    const stream = await lab.opened();
    lab.store.broken = new Error('away');
    const { why, afterMs } = await endOf(stream);
    expect(why).toBe('The time was up.');
    expect(afterMs).toBeLessThan(2_000);
    await stream.finished;
    expect(lab.recorder.latest.end).toEqual({ exitCode: null, why });
  });

  it('end at the deadline that was set after they began, also where all news are lost', async () => {
    lab = await new Lab().starting();
    const stream = await lab.opened('logs');
    lab.store.news.lost = true;
    await lab.run(0.3);
    const { why, afterMs } = await endOf(stream);
    expect(why).toBe('The time was up.');
    expect(afterMs).toBeLessThan(2_000);
  });

  it('end within a second or so of a revocation whose news are lost', async () => {
    lab = await new Lab().active();
    const stream = await lab.opened();
    lab.store.news.lost = true;
    await lab.revoke();
    const { why, afterMs } = await endOf(stream);
    expect(why).toBe('Revoked by alex.');
    expect(afterMs).toBeLessThan(1_500);
  });

  it('do not begin in a session that was revoked while their recording was opened', async () => {
    lab = await new Lab().active();
    const before = lab.session;
    await lab.revoke();
    lab.session = before;
    expect(await lab.open()).toMatchObject({ problem: 'not-running', detail: 'Revoked by alex.' });
    expect(lab.recorder.latest.end?.why).toBe('Revoked by alex.');
  });

  it('do not begin in a session that is about to start', async () => {
    lab = new Lab();
    lab.session = newSession({ grant: grantOf('a1') });
    expect(await lab.open()).toMatchObject({ problem: 'not-running' });
    expect(lab.recorder.recordings).toEqual([]);
  });

  it('end the session where they cannot be recorded any more, and must', async () => {
    lab = await new Lab().active();
    const stream = await lab.opened('logs');
    lab.recorder.latest.fail('the disk is full');
    expect((await endOf(stream)).why).toContain('the disk is full');
    await expect
      .poll(async () => (await lab.store.find(lab.session.id))?.endReason)
      .toBe('recording-failed');
  });

  it('end the session also where they were over before the last of them could not be stored', async () => {
    lab = await new Lab().active();
    const stream = await lab.opened('logs');
    await stream.show(Buffer.from('short'));
    stream.close('left');
    lab.recorder.latest.fail('the disk is full');
    await expect
      .poll(async () => (await lab.store.find(lab.session.id))?.endReason)
      .toBe('recording-failed');
  });

  it('do not begin in a session that was seen to be over here, also where all news of it have come', async () => {
    lab = await new Lab().active();
    const before = lab.session;
    await lab.opened();
    lab.recorder.latest.isSlowToStore = true;
    await lab.revoke();
    await expect.poll(() => lab.live.of(lab.session).session.state).toBe('ending');
    lab.session = before;
    expect(await lab.open()).toMatchObject({ problem: 'not-running', detail: 'Revoked by alex.' });
  });

  it('are counted by kind, with their bytes', async () => {
    lab = await new Lab().active();
    const log = await lab.opened('logs');
    await log.show(Buffer.from('tick'));
    const ports = await lab.opened();
    ports.passed('in', 3);
    expect(lab.live.counts()).toMatchObject({
      logs: { open: 1, opened: 1, bytesOut: 4 },
      forward: { open: 1, opened: 1, bytesIn: 3 },
    });
    log.close('left');
    await log.finished;
    expect(lab.live.counts()).toMatchObject({ logs: { open: 0 }, forward: { open: 1 } });
  });

  it('keep a session from being idle by what is sent', async () => {
    lab = await new Lab().active(600, { idleSeconds: 4 });
    const stream = await lab.opened();
    stream.passed('in', 1);
    await expect.poll(() => lab.activity.at.size).toBe(1);
  });

  it('end with the replica', async () => {
    lab = await new Lab().active();
    const stream = await lab.opened();
    await lab.live.stop();
    expect(await endOf(stream)).toMatchObject({ why: 'this replica was stopped' });
    expect(await lab.open()).toMatchObject({ problem: 'not-running' });
  });
});

describe('logs and forwarded ports that somebody must watch', () => {
  const watched = async () => {
    lab = await new Lab().active(600, { watcher: 'required' });
    const leave = await lab.presence.comes(lab.session.id, ALEX);
    return { leave, stream: await lab.opened() };
  };

  it('are not opened for a requester who watches themself, and nothing is recorded', async () => {
    lab = await new Lab().active(600, { watcher: 'required' });
    await lab.presence.comes(lab.session.id, ROBIN);
    expect(await lab.open()).toMatchObject({ problem: 'not-running' });
    expect(lab.recorder.recordings).toEqual([]);
  });

  it('end when the watcher leaves', async () => {
    const { leave, stream } = await watched();
    await leave();
    expect((await endOf(stream)).why).toContain('waits until somebody watches it');
  });

  it('end where it cannot be known any more who watches', async () => {
    const { stream } = await watched();
    lab.presence.lost = true;
    lab.store.broken = new Error('away');
    lab.presence.broken = new Error('away');
    const { why, afterMs } = await endOf(stream);
    expect(why).toContain('waits until somebody watches it');
    expect(afterMs).toBeLessThan(1_500);
  });

  it('are stored sooner while somebody watches, also one who was there before them', async () => {
    lab = await new Lab().active();
    const first = await lab.presence.comes(lab.session.id, ALEX);
    await lab.opened();
    const isWatched = () => lab.recorder.latest.isWatched;
    await expect.poll(isWatched).toBe(true);
    await first();
    await expect.poll(isWatched).toBe(false);
    await lab.presence.comes(lab.session.id, ALEX);
    await expect.poll(isWatched).toBe(true);
  });
});
