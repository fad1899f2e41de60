import { expect, test } from 'vitest';
import { heardReadiness } from './heard-clusters.view.js';

const HOUR_MS = 3_600_000;
const now = new Date('2026-11-28T12:00:00Z');
const ago = (hours: number) => new Date(now.getTime() - hours * HOUR_MS);
const cluster = (name: string, heardAt: Date | null) => ({
  name,
  heardAt,
  ...{ read: 0, unreadable: 0, bypasses: 0, busy: 0 },
});

test('a cluster that is silent for a day is told of, and the replica stays ready', () => {
  const clusters = [cluster('silent', ago(25)), cluster('heard', ago(23)), cluster('never', null)];
  expect(heardReadiness(clusters, { startedAt: ago(30), now })).toEqual({
    ok: true,
    note: expect.stringMatching(/: silent, never$/),
  });
  // One that has just started cannot have heard anything.
  expect(heardReadiness([cluster('never', null)], { startedAt: ago(1), now })).toBe(true);
});
