import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ScriptedClusters, running, terminated } from '../../test/support/advancing.lab.js';
import {
  HandClock,
  MemoryJournal,
  MemorySessionStore,
} from '../../test/support/in-memory.ports.js';
import { MemoryActivity } from '../../test/support/in-memory.streams.js';
import { ROBIN, actorOf, grantOf, newSession } from '../../test/support/sessions.js';
import { isProblem } from '../domain/problem.js';
import type { Observation } from '../domain/session/observation.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { AdvanceSession } from './advance-session.js';
import { ReconcileSessions } from './reconcile-sessions.js';
import { firstStep, stepOf } from './session-step.js';

const BY_ROBIN = { capacities: ['requester'], actor: actorOf(ROBIN) } as const;
const waiting = (reason: string): Observation => ({
  kind: 'waiting',
  reason,
  message: '',
  podEnding: false,
});
let store: MemorySessionStore;
let clusters: ScriptedClusters;
let reconcile: ReconcileSessions;
/** What is heard of a node that is lost, when the test is over. */
let lost: PromiseWithResolvers<Observation>;
let isWaitedFor: boolean;
/** How the containers are, by Pod; the last answer stays. Others run. */
let answers: Map<string | undefined, (Observation | Promise<Observation>)[]>;
const clock = new HandClock();

beforeEach(() => {
  store = new MemorySessionStore();
  answers = new Map();
  lost = Promise.withResolvers();
  isWaitedFor = false;
  clusters = new ScriptedClusters();
  clusters.onObserve = ({ pin }) => {
    const left = answers.get(pin.podName) ?? [];
    const [next = running(clock.now())] = left.length > 1 ? left.splice(0, 1) : left;
    isWaitedFor ||= next === lost.promise;
    return next;
  };
  const journal = new MemoryJournal();
  const replica = 'test';
  const bounds = {
    startDeadlineSeconds: 60,
    pendingLapseSeconds: 60,
    approvedLapseSeconds: 60,
    checkSeconds: 1,
    startGraceSeconds: 60,
    handOverSeconds: 30,
    overrunSeconds: 30,
  };
  const activity = new MemoryActivity();
  reconcile = new ReconcileSessions({
    store,
    news: store.news,
    clock,
    journal,
    advance: new AdvanceSession({ store, clusters, activity, clock, bounds, journal, replica }),
    replica,
    lanes: 1,
    leaseSeconds: 60,
  });
  reconcile.start();
});
afterEach(async () => {
  lost.resolve({ kind: 'pod-gone', why: 'Its node is gone.' });
  await reconcile.stop();
});

async function asked(
  pod: string,
  ...seen: (Observation | Promise<Observation>)[]
): Promise<Session> {
  const session = newSession({ grant: grantOf('a'.repeat(64)) });
  if (!session.pin) throw new Error('a session without a Pod');
  answers.set(pod, seen);
  const pinned = { ...session, pin: { ...session.pin, podName: pod } };
  return kept(firstStep({ session: pinned, event: 'grant', at: clock.now(), ...BY_ROBIN }));
}

/** By Robin, who does it again where the broker has just written something. */
async function left({ id }: Session): Promise<Session> {
  return vi.waitFor(
    async () => {
      const at = clock.now();
      const changes = { endReason: 'left', endingAt: at } as const;
      const session = await found(id);
      return kept(stepOf({ session, event: 'leave', at, changes, ...BY_ROBIN }));
    },
    { timeout: 10_000 },
  );
}

async function kept(step: Parameters<MemorySessionStore['write']>[0]): Promise<Session> {
  const written = await store.write(step);
  if (isProblem(written)) throw new Error(written.detail);
  return written;
}

async function found(id: SessionId): Promise<Session> {
  const session = await store.find(id);
  if (!session) throw new Error(`there is no ${id}`);
  return session;
}

async function until({ id }: Session, state: Session['state']): Promise<Session> {
  await expect.poll(async () => (await found(id)).state, { timeout: 10_000 }).toBe(state);
  return found(id);
}

test('an end of which nothing is heard holds up no start of its cluster', async () => {
  const session = await until(await asked('far'), 'active');
  await left(session);
  answers.set('far', [lost.promise]);
  await expect.poll(() => isWaitedFor, { timeout: 10_000 }).toBe(true);
  await until(await asked('web'), 'active');
  expect(await found(session.id)).toMatchObject({ state: 'ending' });
});

test('nor does a start that failed, and of whose end nothing is heard', async () => {
  const failed = await asked('far', waiting('ErrImageNeverPull'), lost.promise);
  await expect.poll(() => isWaitedFor, { timeout: 10_000 }).toBe(true);
  await until(await asked('web'), 'active');
  expect(await found(failed.id)).toMatchObject({ state: 'ending' });
});

test('a start that is waited for holds up no end of its cluster', async () => {
  const session = await until(await asked('web'), 'active');
  const slow = await asked('slow', waiting('ContainerCreating'));
  await until(slow, 'starting');
  answers.set('web', [terminated(clock.now(), 0)]);
  await left(session);
  await until(session, 'ended');
  expect(await found(slow.id)).toMatchObject({ state: 'starting' });
});
