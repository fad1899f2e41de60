import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstUntold, rangesOf, toldDropped } from './dropped.places.js';

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

  test('are heard from nothing but the event of it, and believed only where they are ranges', () => {
    const event = (data: unknown) => ({ action: 'audit.dropped', data });
    expect(
      toldDropped(
        event({
          places: [
            [0, 3],
            [9, 9],
          ],
        }),
      ),
    ).toEqual([
      [0, 3],
      [9, 9],
    ]);
    expect(toldDropped(event({ places: [[3, 0], [1], 'x', [0.5, 2], null, [0, 1, 2]] }))).toEqual(
      [],
    );
    expect(toldDropped({ action: 'session.note', data: { places: [[0, 3]] } })).toEqual([]);
    fc.assert(fc.property(fc.anything(), (any) => Array.isArray(toldDropped(event(any)))));
  });
});
