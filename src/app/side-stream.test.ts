import { expect, test } from 'vitest';
import { MemorySessionStore } from '../../test/support/in-memory.ports.js';
import { MemoryPresence, MemoryRecorder } from '../../test/support/in-memory.streams.js';
import { ALEX, SYSTEM, actorOf, grantOf, newSession, ROBIN } from '../../test/support/sessions.js';
import { SystemClock } from '../adapters/jobs/system.clock.js';
import { isProblem } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import { firstStep, stepOf } from './session-step.js';
import { OpenSideStream } from './side-stream.js';

const store = new MemorySessionStore();

async function written(step: Parameters<typeof store.write>[0]): Promise<Session> {
  const session = await store.write(step);
  if (isProblem(session)) throw new Error(session.detail);
  return session;
}

test('a log is stored sooner while somebody watches, also one who was there before it', async () => {
  const [at, actor] = [new Date(), actorOf(ROBIN)];
  const asked = newSession({ grant: grantOf('a1') });
  const granted = await written(
    firstStep({ session: asked, event: 'grant', capacities: ['requester'], actor, at }),
  );
  const container = { name: `hallpass-${asked.id}`, image: 'busybox', startBy: new Date() };
  const session = await written(
    stepOf({
      session: granted,
      event: 'start',
      capacities: ['system'],
      actor: SYSTEM,
      at,
      changes: { startingAt: at, container },
    }),
  );
  const [presence, recorder, clock] = [
    new MemoryPresence(),
    new MemoryRecorder(),
    new SystemClock(),
  ];
  const side = new OpenSideStream({ store, news: store.news, presence, recorder, clock });
  const first = await presence.comes(session.id, ALEX);
  const log = await side.open({ actor, roles: [] }, session, { kind: 'logs', command: ['logs'] });
  if (isProblem(log)) throw new Error(log.detail);
  const isWatched = () => recorder.latest.isWatched;
  await expect.poll(isWatched).toBe(true);
  await first();
  await expect.poll(isWatched).toBe(false);
  await presence.comes(session.id, ALEX);
  await expect.poll(isWatched).toBe(true);
  await log.close({ exitCode: null, why: 'left' });
});
