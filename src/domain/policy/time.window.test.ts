import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TimeWindow, Weekday } from './policy.js';
import { WEEKDAYS } from './policy.js';
import { isTimeZone, isWithin, windowText } from './time.window.js';

function windowOf(from: string, to: string, over: Partial<TimeWindow> = {}): TimeWindow {
  const minutes = (clock: string): number =>
    Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
  return {
    timeZone: 'Europe/Berlin',
    days: WEEKDAYS,
    fromMinute: minutes(from),
    toMinute: minutes(to),
    ...over,
  };
}

const within = (window: TimeWindow, at: string): boolean => isWithin(window, new Date(at));

describe('a window', () => {
  test('begins with its first minute and ends before its last', () => {
    const office = windowOf('09:00', '17:30');
    expect(within(office, '2026-01-15T07:59:59Z')).toBe(false);
    expect(within(office, '2026-01-15T08:00:00Z')).toBe(true);
    expect(within(office, '2026-01-15T16:29:59Z')).toBe(true);
    expect(within(office, '2026-01-15T16:30:00Z')).toBe(false);
  });

  test('is read by the clock of its zone, in summer as in winter', () => {
    const office = windowOf('09:00', '17:00');
    expect(within(office, '2026-07-15T07:00:00Z')).toBe(true);
    expect(within(office, '2026-01-15T07:00:00Z')).toBe(false);
    expect(within({ ...office, timeZone: 'Asia/Kolkata' }, '2026-01-15T03:30:00Z')).toBe(true);
  });

  test('names the days on which it begins', () => {
    const monday = windowOf('09:00', '17:00', { days: ['Mon'], timeZone: 'Pacific/Auckland' });
    expect(within(monday, '2026-01-11T21:00:00Z')).toBe(true);
    expect(within(monday, '2026-01-12T21:00:00Z')).toBe(false);
  });

  test('that passes midnight belongs to the day on which it begins', () => {
    const night = windowOf('22:00', '06:00', { days: ['Fri'], timeZone: 'UTC' });
    expect(within(night, '2026-01-16T22:00:00Z')).toBe(true);
    expect(within(night, '2026-01-17T05:59:00Z')).toBe(true);
    expect(within(night, '2026-01-17T06:00:00Z')).toBe(false);
    expect(within(night, '2026-01-16T05:00:00Z')).toBe(false);
    expect(within(night, '2026-01-17T22:00:00Z')).toBe(false);
  });

  test('that ends when it begins is a whole day', () => {
    const sunday = windowOf('08:00', '08:00', { days: ['Sun'], timeZone: 'UTC' });
    expect(within(sunday, '2026-01-18T08:00:00Z')).toBe(true);
    expect(within(sunday, '2026-01-19T07:59:00Z')).toBe(true);
    expect(within(sunday, '2026-01-19T08:00:00Z')).toBe(false);
    expect(within(sunday, '2026-01-18T07:59:00Z')).toBe(false);
  });

  test('holds no moment of the hour that is left out when clocks are put forward', () => {
    const lost = windowOf('02:00', '03:00');
    for (let minute = 0; minute < 180; minute++) {
      expect(isWithin(lost, new Date(Date.UTC(2026, 2, 29, 0, minute)))).toBe(false);
    }
  });

  test('holds the hour that comes twice when clocks are put back both times', () => {
    const twice = windowOf('02:00', '03:00');
    expect(within(twice, '2026-10-25T00:30:00Z')).toBe(true);
    expect(within(twice, '2026-10-25T01:30:00Z')).toBe(true);
    expect(within(twice, '2026-10-25T02:30:00Z')).toBe(false);
  });

  test('says when it is as people write it', () => {
    expect(windowText(windowOf('09:00', '17:30', { days: ['Mon', 'Tue'] }))).toBe(
      'Mon, Tue 09:00-17:30 Europe/Berlin',
    );
    expect(windowText(windowOf('00:00', '00:00'))).toBe('every day 00:00-00:00 Europe/Berlin');
  });
});

describe('for all windows', () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia');
  const at = fc.date({
    min: new Date('2020-01-01T00:00:00Z'),
    max: new Date('2030-01-01T00:00:00Z'),
    noInvalidDate: true,
  });

  test('one and its complement hold every moment once between them', () => {
    fc.assert(
      fc.property(minute, minute, zones, at, (fromMinute, toMinute, timeZone, now) => {
        fc.pre(fromMinute !== toMinute);
        const window = { timeZone, days: WEEKDAYS, fromMinute, toMinute };
        const rest = { ...window, fromMinute: toMinute, toMinute: fromMinute };
        expect(isWithin(window, now)).not.toBe(isWithin(rest, now));
      }),
    );
  });

  test('those of single days hold a moment as often as the one of all days', () => {
    fc.assert(
      fc.property(minute, minute, zones, at, (fromMinute, toMinute, timeZone, now) => {
        const window = { timeZone, days: WEEKDAYS, fromMinute, toMinute };
        const days = WEEKDAYS.filter((day: Weekday) => isWithin({ ...window, days: [day] }, now));
        expect(days).toHaveLength(isWithin(window, now) ? 1 : 0);
      }),
    );
  });
});

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['Etc/GMT+5', true],
  ['Europe/Berln', false],
  ['+01:00', false],
  ['', false],
  ['__proto__', false],
])('whether %j is a time zone is %s', (name, known) => {
  expect(isTimeZone(name)).toBe(known);
});
