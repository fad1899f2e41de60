import { expect, test, vi } from 'vitest';
import { MemoryJournal } from '../../../test/support/in-memory.ports.js';
import { DatabaseClock } from './database.clock.js';

const HOUR_MS = 3_600_000;

/** A database whose clock is right, a machine whose clock may be off, and time that goes on where it is said to. */
function world(offMs = 0) {
  const it = {
    trueMs: Date.UTC(2026, 10, 28),
    /** How far the machine's clock is ahead. */
    offMs,
    /** How long the database takes to answer, and where in between it looks at its clock. */
    tookMs: 2,
    lookedAfter: 0.5,
    failure: undefined as Error | undefined,
  };
  const journal = new MemoryJournal();
  const machine = { now: () => new Date(it.trueMs + it.offMs) };
  const clock = new DatabaseClock({ journal, machine, steadyMs: () => it.trueMs });
  const database = {
    query: () => {
      if (it.failure) return Promise.reject(it.failure);
      const ms = it.trueMs + it.tookMs * it.lookedAfter;
      it.trueMs += it.tookMs;
      return Promise.resolve({ rows: [{ ms }] });
    },
  };
  const look = async () => {
    await clock.follow(() => database);
    await clock.stop();
  };
  const wrongMs = () => Math.abs(clock.now().getTime() - it.trueMs);
  return { it, clock, journal, database, look, wrongMs };
}

test.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('a machine whose clock is set %s changes no moment that we go by', async (_, stepMs) => {
  const { it, look, wrongMs } = world();
  it.offMs = stepMs;
  expect(wrongMs()).toBe(0);
  it.offMs = HOUR_MS / 2;
  await look();
  expect(wrongMs()).toBe(0);
  it.offMs += stepMs;
  expect(wrongMs()).toBe(0);
});

test('a clock that is off by about as much as is tolerated does not leap to and fro', async () => {
  const { it, clock, look } = world();
  const corrections: number[] = [];
  for (const offMs of [-990, -1_010, -990, -1_010, -700, -400, -700, -990]) {
    it.offMs = offMs;
    await look();
    corrections.push(clock.correctionSeconds);
  }
  expect(corrections).toEqual([0, 1.01, 0.99, 1.01, 0.7, 0, 0, 0]);
});

test('a database that answers slowly still puts right a clock that is certainly wrong, though it be the first answer', async () => {
  const { it, look, wrongMs } = world(HOUR_MS);
  it.tookMs = 4_000;
  it.lookedAfter = 0.75;
  await look();
  expect(wrongMs()).toBeLessThanOrEqual(2_000);
});

test('a database that answers slowly spoils no clock that may be right', async () => {
  const { it, clock, look, wrongMs } = world();
  it.tookMs = 4_000;
  for (const lookedAfter of [0, 0.5, 1]) {
    it.lookedAfter = lookedAfter;
    await look();
    expect(clock.correctionSeconds).toBe(0);
    expect(wrongMs()).toBe(0);
  }
});

test('a database that answers slowly at the very end of the wait spoils no clock that is a little behind it', async () => {
  const { it, clock, look } = world(3);
  it.tookMs = 4_000;
  for (const lookedAfter of [0, 1]) {
    it.lookedAfter = lookedAfter;
    await look();
    expect(clock.correctionSeconds).toBe(0);
  }
});

test('a clock that could not be asked is told of once, and asked again soon', async () => {
  const { it, clock, journal, database, wrongMs } = world(HOUR_MS);
  it.failure = new Error('not now');
  await clock.follow(() => database);
  expect(journal.lines.map(({ level }) => level)).toEqual(['warn']);
  it.failure = undefined;
  await vi.waitFor(() => expect(wrongMs()).toBe(0), { timeout: 10_000 });
  await clock.stop();
  expect(journal.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
});
