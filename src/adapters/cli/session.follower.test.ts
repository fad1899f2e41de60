import { expect, test } from 'vitest';
import { backOffMs } from './session.follower.js';

test('those who were cut off together do not come back together, and soon at first', () => {
  const waits = Array.from({ length: 100 }, () => backOffMs(0));
  expect(Math.max(...waits)).toBeLessThanOrEqual(250);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(125);
  expect(new Set(waits).size).toBeGreaterThan(50);
  expect(backOffMs(1_000)).toBeGreaterThanOrEqual(5_000);
});
