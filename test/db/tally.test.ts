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

/** So long after a moment; of one moment, however long a test takes. */
const after = (moment: Date, seconds: number): Date => new Date(moment.getTime() + seconds * 1000);

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
  const startedAt = new Date();
  const deadlineAt = after(startedAt, 600);
  await step(id, 'run', { startedAt, deadlineAt });
  const before = await tally(lab.database, after(deadlineAt, -10));
  expect(before.past).toEqual({ sessions: 0, seconds: 0 });
  const late = after(deadlineAt, 90);
  expect((await tally(lab.database, late)).past).toEqual({ sessions: 1, seconds: 90 });

  await step(id, 'expire', { endReason: 'deadline', endingAt: new Date() });
  expect((await tally(lab.database, late)).past.sessions).toBe(1);
  await step(id, 'finish', {});
  expect((await tally(lab.database, late)).past).toEqual({ sessions: 0, seconds: 0 });
});

test('events count as unsequenced, and the oldest ages, until a checkpoint is above them', async () => {
  await lab.write(3);
  const before = await tally(lab.database, after(new Date(), 60));
  expect(before.unsequenced.events).toBe(3);
  expect(before.unsequenced.seconds).toBeGreaterThan(59);
  expect(before.checkpointAgeSeconds).toBeNull();

  const signedAt = new Date();
  await lab.replica({ clock: { now: () => signedAt } }).once();
  const { unsequenced, checkpointAgeSeconds } = await tally(lab.database, after(signedAt, 60));
  expect(unsequenced).toEqual({ events: 0, seconds: 0 });
  expect(checkpointAgeSeconds).toBe(60);
});
