import { expect, test } from 'vitest';
import { MemoryJournal } from '../../../test/support/in-memory.ports.js';
import { LogNotifier } from './log.notifier.js';

test('whoever went past the broker is a warning in the log, with who it was and the session', async () => {
  const journal = new MemoryJournal();
  const payload = { bypass: { why: 'another-account', user: { name: 'mallory' }, pod: 'web' } };
  await new LogNotifier(journal).tell({
    id: 1n,
    at: new Date(),
    topic: 'bypass',
    sessionId: null,
    seq: null,
    payload,
  });
  expect(journal.lines).toEqual([
    {
      level: 'warn',
      facts: expect.objectContaining({ session: null, news: payload }),
      message: 'somebody went past the broker',
    },
  ]);
});
