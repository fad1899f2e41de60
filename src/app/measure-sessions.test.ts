import { expect, it } from 'vitest';
import { MemoryJournal, MemorySessionStore } from '../../test/support/in-memory.ports.js';
import { KeptTimes } from '../../test/support/kept.times.js';
import { ALEX, SYSTEM, actorOf, grantOf, newSession, ROBIN } from '../../test/support/sessions.js';
import type { SessionEvent } from '../domain/session/session.machine.js';
import { isProblem } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import { MeasureSessions } from './measure-sessions.js';
import type { Step } from './ports/session.store.js';
import { firstStep, stepOf } from './session-step.js';

const T0 = Date.UTC(2026, 2, 4);
const at = (seconds: number) => new Date(T0 + seconds * 1000);
const CONTAINER = { name: 'hallpass-1', image: 'busybox', startBy: at(90) };

/** A session of which two replicas write steps, and what each of them measures. */
class TwoReplicas {
  readonly store = new MemorySessionStore();
  readonly journal = new MemoryJournal();
  readonly times = [new KeptTimes(), new KeptTimes()] as const;
  private readonly measures = this.times.map(
    (stopwatch) => new MeasureSessions({ store: this.store, stopwatch, journal: this.journal }),
  );
  private session: Session;

  constructor(start: 'on-approval' | 'manual' = 'on-approval') {
    const asked = newSession({ grant: grantOf('a1'), createdAt: at(0), state: 'pending' });
    this.session = { ...asked, request: { ...asked.request, start } };
  }

  async asked(event: 'ask' | 'grant' = 'ask'): Promise<this> {
    const state = event === 'ask' ? 'pending' : 'approved';
    const session = { ...this.session, state } as const;
    const actor = actorOf(ROBIN);
    await this.write(0, firstStep({ session, event, capacities: ['requester'], actor, at: at(0) }));
    return this;
  }

  async step(by: 0 | 1, event: SessionEvent, seconds: number): Promise<void> {
    const { session } = this;
    const isStart = event === 'start';
    await this.write(
      by,
      stepOf({
        session,
        event,
        capacities: ['requester', 'approver', 'system'],
        actor: event === 'approve' || event === 'deny' ? actorOf(ALEX) : SYSTEM,
        at: at(seconds),
        changes: isStart ? { startingAt: at(seconds), container: CONTAINER } : {},
      }),
    );
  }

  private async write(by: 0 | 1, step: Step): Promise<void> {
    const written = await this.store.write(step);
    if (isProblem(written)) throw new Error(written.detail);
    this.session = written;
    await this.measures[by]?.heard(step);
  }
}

it('waiting for consent lasts from asking to the last consent, by the replica that it came to', async () => {
  const session = await new TwoReplicas().asked();
  await session.step(0, 'consent', 20);
  await session.step(1, 'approve', 50);
  await session.step(0, 'start', 51);
  expect(session.times[0].all).toEqual([]);
  expect(session.times[1].all).toEqual([
    { what: 'consentWait', seconds: 50, labels: { outcome: 'approved' } },
  ]);
});

it.each([
  ['deny', 'denied'],
  ['withdraw', 'withdrawn'],
  ['revoke', 'revoked'],
  ['lapse', 'lapsed'],
] as const)('a wait for consent that ends by %s is told as %s', async (event, outcome) => {
  const session = await new TwoReplicas().asked();
  await session.step(0, event, 7);
  expect(session.times[0].all).toEqual([{ what: 'consentWait', seconds: 7, labels: { outcome } }]);
});

it('what needs nobody’s consent waits for none, however it ends', async () => {
  const session = await new TwoReplicas().asked('grant');
  await session.step(0, 'withdraw', 30);
  expect(session.times[0].all).toEqual([]);
});

it('a start lasts from the approval to the running container, whichever replica did what', async () => {
  const session = await new TwoReplicas().asked();
  await session.step(0, 'approve', 50);
  await session.step(0, 'start', 58);
  await session.step(1, 'run', 62);
  expect(session.times[1].all).toEqual([
    { what: 'sessionStart', seconds: 12, labels: { cluster: 'sandbox', outcome: 'started' } },
  ]);
});

it('a start by hand lasts from that, and not from the approval', async () => {
  const session = await new TwoReplicas('manual').asked('grant');
  await session.step(0, 'start', 100);
  await session.step(0, 'run', 103);
  expect(session.times[0].all).toMatchObject([{ what: 'sessionStart', seconds: 3 }]);
});

it('a start that fails is one that failed; one that somebody ends is none', async () => {
  const failed = await new TwoReplicas().asked('grant');
  await failed.step(0, 'start', 1);
  await failed.step(0, 'fail', 61);
  expect(failed.times[0].all).toEqual([
    { what: 'sessionStart', seconds: 61, labels: { cluster: 'sandbox', outcome: 'failed' } },
  ]);
  const ended = await new TwoReplicas().asked('grant');
  await ended.step(0, 'start', 1);
  await ended.step(0, 'withdraw', 5);
  expect(ended.times[0].all).toEqual([]);
});

it('what whoever measures does not take harms nothing, and is told', async () => {
  const session = await new TwoReplicas().asked();
  session.times[0].took = () => {
    throw new Error('no such series');
  };
  await session.step(0, 'deny', 20);
  expect(session.journal.lines.map(({ message }) => message)).toEqual([
    'how long a step took is not known',
  ]);
});

it('what cannot be measured, because the database is away, harms nothing', async () => {
  const session = await new TwoReplicas().asked('grant');
  await session.step(0, 'start', 1);
  const steps = session.store.steps.bind(session.store);
  session.store.steps = () => Promise.reject(new Error('database away'));
  await session.step(0, 'run', 3);
  session.store.steps = steps;
  expect(session.times[0].all).toEqual([]);
  expect(session.journal.lines.map(({ message }) => message)).toEqual([
    'how long a step took is not known',
  ]);
});
