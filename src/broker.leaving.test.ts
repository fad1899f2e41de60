import { expect, test } from 'vitest';
import { leaveInTime } from './broker.leaving.js';

const NEVER = new Promise<never>(() => undefined);
const journal = { info: () => undefined, warn: () => undefined, error: () => undefined };

function replica(stop: () => Promise<void>) {
  const done: string[] = [];
  return {
    done,
    parts: {
      journal,
      drain: () => void done.push('drain'),
      warn: (inSeconds: number) => void done.push(`warn of ${inSeconds} s`),
      stop: () => {
        done.push('stop');
        return stop();
      },
    },
  };
}

test('a replica is not ready before anything else, tells those who are in sessions, and stops after its drain', async () => {
  const { parts, done } = replica(() => Promise.resolve());
  const began = performance.now();
  const left = leaveInTime({ drainSeconds: 0.2, graceSeconds: 5 }, parts);
  expect(done).toEqual(['drain', 'warn of 0.2 s']);
  expect(await left).toBe('in time');
  expect(performance.now() - began).toBeGreaterThan(190);
  expect(done.at(-1)).toBe('stop');
});

test('a replica that hangs while it stops is left hanging at the end of its grace', async () => {
  const { parts } = replica(() => NEVER);
  const began = performance.now();
  expect(await leaveInTime({ drainSeconds: 0, graceSeconds: 0.2 }, parts)).toBe('late');
  expect(performance.now() - began).toBeLessThan(2_000);
});
