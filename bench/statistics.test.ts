import { describe, expect, test } from 'vitest';
import { coveredMs, percentile, spread } from './statistics.js';

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  test('is the value that so many of a hundred do not exceed', () => {
    expect(percentile(hundred, 50)).toBe(50);
    expect(percentile(hundred, 99)).toBe(99);
    expect(percentile(hundred, 100)).toBe(100);
  });

  test('of one value is that value', () => {
    expect(spread([7.128])).toEqual({ count: 1, p50: 7.13, p99: 7.13 });
  });

  test('of nothing is not made up', () => {
    expect(() => percentile([], 50)).toThrow(RangeError);
  });
});

describe('what spans cover of a whole', () => {
  const whole = { fromMs: 10, toMs: 20 };
  const covered = (...spans: [number, number][]) =>
    coveredMs(
      whole,
      spans.map(([fromMs, toMs]) => ({ fromMs, toMs })),
    );

  test('counts once what they share, in whatever order they come', () => {
    expect(covered([15, 18], [11, 13], [12, 16])).toBe(7);
    expect(covered([11, 19], [12, 13])).toBe(8);
    expect(covered([12, 13], [12, 13])).toBe(1);
  });

  test('counts nothing of what lies before or after it', () => {
    expect(covered([5, 12], [18, 30])).toBe(4);
    expect(covered([0, 9], [21, 22])).toBe(0);
    expect(covered([0, 30])).toBe(10);
    expect(covered()).toBe(0);
  });

  test('leaves gaps out', () => {
    expect(covered([11, 12], [14, 15], [19, 20])).toBe(3);
  });
});
