import { describe, expect, test } from 'vitest';
import type { Ended } from './container.js';
import { CASES, skipWhereImpossible, STRONG_CASES, Trial, turnsOf } from './timer.trial.js';
import { hostileUser, stayingUser } from './users.js';

const DURATION_SECONDS = 3;
/** By this much the timer may be early; it counts whole seconds. */
const EARLY_MS = 1_000;
/** By this much the end may be seen late on a busy machine; whoever fights the timer would hold on for much longer. */
const LATE_MS = 3_000;
/** Enough for whatever comes late; what comes in time is told by the clock, not by this. */
const PATIENCE_MS = 10_000;

function expectInTime(trial: Trial, ended: Ended): void {
  const heldMs = ended.atMs - trial.debug.startedAtMs;
  expect(heldMs).toBeGreaterThan(DURATION_SECONDS * 1000 - EARLY_MS);
  expect(heldMs).toBeLessThan(DURATION_SECONDS * 1000 + LATE_MS);
}

describe.concurrent.each(CASES)('$shell, $person, $pids PID namespace', (it) => {
  skipWhereImpossible(it.shell);

  test('the container ends at its deadline, with all that was left in it', async () => {
    await using trial = await Trial.start({ ...it, durationSeconds: DURATION_SECONDS });
    await trial.holds();
    await trial.enter(stayingUser(trial.image));
    const turns = turnsOf(trial.app);

    const ended = await trial.ended(PATIENCE_MS);

    expectInTime(trial, ended);
    expect(ended).toMatchObject({ exitCode: 0, output: '' });
    expect(trial.debug.remains()).toEqual([]);
    expect(turnsOf(trial.app)).toEqual(turns);
  });
});

describe.concurrent.each(STRONG_CASES)('$shell, $person, $pids PID namespace', (it) => {
  skipWhereImpossible(it.shell);

  test('a user who fights does not extend it', async () => {
    await using trial = await Trial.start({ ...it, durationSeconds: DURATION_SECONDS });
    await trial.holds();
    const spare = trial.app === undefined ? undefined : trial.timer;
    await trial.enter(hostileUser({ shell: trial.image.shell, spare }));
    const turns = turnsOf(trial.app);

    const ended = await trial.ended(PATIENCE_MS);

    expectInTime(trial, ended);
    expect(ended.exitCode).toBe(0);
    expect(trial.debug.remains()).toEqual([]);
    expect(turnsOf(trial.app)).toEqual(turns);
  });
});
