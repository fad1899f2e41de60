import { expect, test } from 'vitest';
import { MemoryJournal } from '../../../test/support/in-memory.ports.js';
import { DatabaseClock } from './database.clock.js';

const HOUR_MS = 3_600_000;
/** What a slow machine may take between two readings. */
const SLACK_MS = 900;

function clocks() {
  const machine = { offMs: 0, now: () => new Date(Date.now() + machine.offMs) };
  const clock = new DatabaseClock({ journal: new MemoryJournal(), machine });
  const offMs = () => Math.abs(clock.now().getTime() - Date.now());
  return { machine, clock, offMs };
}

const database = { query: () => Promise.resolve({ rows: [{ ms: Date.now() }] }) };

test.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('a machine whose clock is set %s changes no moment that we go by', async (_, stepMs) => {
  const { machine, clock, offMs } = clocks();
  machine.offMs = stepMs;
  expect(offMs()).toBeLessThan(SLACK_MS);
  machine.offMs = HOUR_MS / 2;
  await clock.follow(() => database);
  expect(offMs()).toBeLessThan(SLACK_MS);
  machine.offMs += stepMs;
  expect(offMs()).toBeLessThan(SLACK_MS);
  await clock.stop();
});
