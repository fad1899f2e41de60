import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DROPPED_MAX,
  DroppedPlaces,
  firstUntold,
  rangesOf,
  toldDropped,
} from './dropped.places.js';

const places = fc
  .uniqueArray(fc.integer({ min: 0, max: 40 }))
  .map((all) => all.sort((a, b) => a - b));
const ranges = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 8 }))
    .map(([first, width]): [number, number] => [first, first + width]),
);

describe('places whose bodies were dropped', () => {
  test('as ranges are these places and no others', () => {
    fc.assert(
      fc.property(places, (all) => {
        const told = rangesOf(all);
        const again = told.flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, at) => first + at),
        );
        expect(again).toEqual(all);
        expect(told.every(([first], at) => at === 0 || first > (told[at - 1]?.[1] ?? 0) + 1)).toBe(
          true,
        );
      }),
    );
  });

  test('are untold from the first that is in no range, in whatever order the ranges were told', () => {
    fc.assert(
      fc.property(places, ranges, (missing, told) => {
        const expected = missing.find((it) => !told.some(([a, b]) => a <= it && it <= b));
        expect(firstUntold(rangesOf(missing), told)).toBe(expected);
      }),
    );
  });

  const time = '2026-06-01T00:00:00.000Z';
  const cutoff = '2026-05-01T00:00:00.000Z';
  const event = (data: object, over: object = {}) => ({
    action: 'audit.dropped',
    time,
    data: { cutoff, ...data },
    ...over,
  });

  test('are heard from nothing but the event of it', () => {
    const data = {
      places: [
        [0, 3],
        [9, 9],
      ],
      count: 5,
    };
    expect(toldDropped(event(data), 10)?.places).toEqual(data.places);
    expect(toldDropped(event(data, { action: 'session.note' }), 10)).toBeUndefined();
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (some, any) => {
        expect(toldDropped(event({ places: any, count: some }), 10)).toBeUndefined();
        expect(toldDropped(any, 10)).toBeUndefined();
      }),
    );
  });

  test.each([
    ['of what comes after it', { places: [[0, 10]], count: 11 }],
    ['of everything', { places: [[0, Number.MAX_SAFE_INTEGER]], count: Number.MAX_SAFE_INTEGER }],
    ['of what is no place', { places: [[-1, 0]], count: 2 }],
    ['of another number', { places: [[0, 3]], count: 3 }],
    ['of no number', { places: [[0, 3]] }],
    ['of what is no range', { places: [[0, 3], [3, 0], 'x', [0.5, 2], null], count: 4 }],
    ['of what is younger than thirty days', { places: [[0, 0]], count: 1, cutoff: time }],
    ['of no time', { places: [[0, 0]], count: 1, cutoff: 'long ago' }],
  ])('are not believed of an event that tells %s', (_, data) => {
    expect(toldDropped(event(data), 10)).toBeUndefined();
  });

  test('are not believed where one event tells of more than the database drops at once', () => {
    const told = (count: number) => toldDropped(event({ places: [[0, count - 1]], count }), 9_000);
    expect(told(DROPPED_MAX)).toBeDefined();
    expect(told(DROPPED_MAX + 1)).toBeUndefined();
  });

  test('are not believed where what can be read before them is younger than they are said to be', () => {
    const places = (beforeMs: number) => {
      const found = new DroppedPlaces();
      found.reads(Date.parse('2026-01-01T00:00:00Z'));
      found.lacks(1);
      found.reads(beforeMs);
      found.lacks(3);
      found.lacks(4);
      found.hears(event({ places: [[1, 4]], count: 4 }), 5);
      return found.firstUntold();
    };
    const cutoffMs = Date.parse(cutoff);
    expect(places(cutoffMs - 1_000)).toBeUndefined();
    expect(places(cutoffMs + 60_000)).toBeUndefined();
    expect(places(cutoffMs + 180_000)).toBe(3);
  });

  test('are not believed where it was told at a time that had not come', () => {
    const found = new DroppedPlaces();
    found.lacks(0);
    const timeMs = Date.parse(time);
    found.reads(timeMs);
    found.hears(event({ places: [[0, 0]], count: 1 }), 1);
    expect(found.firstUntold()).toBeUndefined();
    found.reads(timeMs - 86_400_000);
    expect(found.firstUntold()).toBeUndefined();
    found.reads(timeMs - 2 * 86_400_000);
    expect(found.firstUntold()).toBe(0);
  });
});
