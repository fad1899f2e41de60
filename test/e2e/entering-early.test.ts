import '../support/needs.containers.js';
import { expect, it } from 'vitest';
import { EnteringLab, endSession } from './entering.lab.js';

it('a session is entered before the cluster says that it runs', async () => {
  // Long enough to enter and be answered, on a busy machine as well.
  await using lab = await EnteringLab.start({ timings: { runningMs: 8_000 } });
  const broker = await lab.broker({}, { sessions: { startDeadlineSeconds: 30 } });
  const { robin, id } = await lab.ask(broker);
  const inside = await lab.enter(broker, id);
  await inside.type('echo $((6 * 7))');
  await inside.sees('42');
  expect((await robin.session(id)).state).toBe('starting');
  await robin.until(id, ['active']);
  expect(inside.end).toBeUndefined();
  await endSession(robin, id);
  expect(await inside.stream.ended).toMatchObject({ kind: 'session-over', reason: 'left' });
});
