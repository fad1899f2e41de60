import { afterEach, beforeEach, expect, test } from 'vitest';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { tally } from '../../src/adapters/prisma/prisma-tally.js';
import type { Changes } from '../../src/app/session-step.js';
import { stepOf } from '../../src/app/session-step.js';
import { startChanges } from '../../src/app/start-session.js';
import { isProblem } from '../../src/domain/problem.js';
import type { SessionEvent } from '../../src/domain/session/session.machine.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { keptSession } from '../support/kept.session.js';
import { LogLab } from '../support/log.lab.js';
import { BOUNDS } from '../support/session.bounds.js';
import { SYSTEM } from '../support/sessions.js';

let lab: LogLab;
beforeEach(async () => {
  lab = await LogLab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

const later = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

async function step(id: SessionId, event: SessionEvent, changes?: Changes): Promise<void> {
  const store = new PrismaSessionStore(lab.database);
  const session = await store.find(id);
  if (!session) throw new Error('there is no such session');
  const at = new Date();
  const made = changes ?? startChanges(session, at, BOUNDS);
  const written = await store.write(
    stepOf({ session, event, capacities: ['system'], actor: SYSTEM, at, changes: made }),
  );
  if (isProblem(written)) throw new Error(written.detail, { cause: written.cause });
}

test('a session counts as past its deadline from the deadline on until its container is known to have ended', async () => {
  const id = await keptSession(lab.database);
  await step(id, 'start');
  await step(id, 'run', { startedAt: new Date(), deadlineAt: later(600) });
  expect((await tally(lab.database, later(590))).past).toEqual({ sessions: 0, seconds: 0 });
  const { past } = await tally(lab.database, later(690));
  expect(past.sessions).toBe(1);
  expect(past.seconds).toBeGreaterThan(80);
  expect(past.seconds).toBeLessThan(91);

  await step(id, 'expire', { endReason: 'deadline', endingAt: new Date() });
  expect((await tally(lab.database, later(690))).past.sessions).toBe(1);
  await step(id, 'finish', {});
  expect((await tally(lab.database, later(690))).past).toEqual({ sessions: 0, seconds: 0 });
});

test('events count as unsequenced, and the oldest ages, until a checkpoint is above them', async () => {
  await lab.write(3);
  const before = await tally(lab.database, later(60));
  expect(before.unsequenced.events).toBe(3);
  expect(before.unsequenced.seconds).toBeGreaterThan(59);
  expect(before.checkpointAgeSeconds).toBeNull();

  await lab.replica().once();
  const after = await tally(lab.database, later(60));
  expect(after.unsequenced).toEqual({ events: 0, seconds: 0 });
  expect(after.checkpointAgeSeconds).toBeGreaterThan(55);
  expect(after.checkpointAgeSeconds).toBeLessThan(61);
});
