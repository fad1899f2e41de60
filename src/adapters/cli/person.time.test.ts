import { expect, test } from 'vitest';
import { distanceText, lengthText, timeText } from './person.time.js';

const moment = { now: new Date('2026-11-28T09:00:00Z'), timeZone: 'Europe/Berlin' };

test('a time is told in the zone of the person, which is named, and by how far away it is', () => {
  expect(timeText('2026-11-28T09:30:00.000Z', moment)).toMatch(
    /^10:30:00 (CET|GMT\+1) \(in 30 min\)$/,
  );
});

test('a time of another day in that zone is told with its day', () => {
  expect(timeText('2026-11-28T23:30:00.000Z', moment)).toMatch(/^2026-11-29 00:30:00 /);
});

test('lengths have two units at most', () => {
  expect([0, 59, 90, 5_400, 90_061].map(lengthText)).toEqual([
    '0 s',
    '59 s',
    '1 min 30 s',
    '1 h 30 min',
    '1 d 1 h',
  ]);
  expect(distanceText(new Date('2026-11-28T08:59:00Z'), moment.now)).toBe('1 min ago');
});
