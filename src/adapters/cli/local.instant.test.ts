import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantText } from './local.instant.js';

const NOW = new Date('2026-07-01T12:00:00Z');
const read = (text: string, timeZone = 'Europe/Berlin', relative: 'past' | 'future' = 'past') =>
  instantText(text, { now: NOW, timeZone }, { option: '--from', relative });

describe('an instant', () => {
  test.each([
    ['2026-03-01', '2026-02-28T23:00:00.000Z'],
    ['2026-07-01 09:30', '2026-07-01T07:30:00.000Z'],
    ['2026-07-01T09:30:15', '2026-07-01T07:30:15.000Z'],
    ['2026-07-01T09:30:15Z', '2026-07-01T09:30:15.000Z'],
    ['2026-07-01T09:30:15.5-05:00', '2026-07-01T14:30:15.500Z'],
    ['7d', '2026-06-24T12:00:00.000Z'],
    ['90m', '2026-07-01T10:30:00.000Z'],
    // Shown twice: the first. Never shown: as if clocks had not been put forward yet.
    ['2026-10-25 02:30', '2026-10-25T00:30:00.000Z'],
    ['2026-03-29 02:30', '2026-03-29T01:30:00.000Z'],
  ])('that is given as %s is, in Berlin, %s', (text, instant) => {
    expect(read(text)).toBe(instant);
  });

  test('that is a duration is ahead where it is about what is to come', () => {
    expect(read('14d', 'UTC', 'future')).toBe('2026-07-15T12:00:00.000Z');
  });

  test.each([
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-03-01T25:00',
    '1',
    '',
    '2026-03-01 9:00',
  ])('is not %j, and the sentence says what is one', (text) => {
    expect(() => read(text)).toThrow(/--from .* is no time: give it as 2026-03-01 or/);
  });

  test('that clocks show once is what they show, in every zone', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Chatham', 'Australia/Lord_Howe']; // prettier-ignore
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: 1_600_000_000, max: 2_000_000_000 }),
        (timeZone, seconds) => {
          const at = new Date(seconds * 1000);
          const shown = (date: Date) =>
            new Intl.DateTimeFormat('sv-SE', {
              timeZone,
              dateStyle: 'short',
              timeStyle: 'medium',
            }).format(date);
          const found = new Date(read(shown(at), timeZone));
          expect(shown(found)).toBe(shown(at));
          expect(found.getTime()).toBeLessThanOrEqual(at.getTime());
        },
      ),
    );
  });
});
