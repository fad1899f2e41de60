import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ListCursor, nextLink } from './list.cursor.js';
import { Refused } from './refused.error.js';

const places = fc.record({
  at: fc.date({ min: new Date(0), noInvalidDate: true }),
  id: fc.stringMatching(/^[0-9a-z-]{1,36}$/),
});

test('a cursor leads back to its place, and to nowhere in another list', () => {
  fc.assert(
    fc.property(
      places,
      fc.record({ cluster: fc.string({ unit: 'grapheme' }) }),
      (place, filters) => {
        const cursor = new ListCursor('sessions', filters).after(place);
        expect(new ListCursor('sessions', filters).parse(cursor)).toEqual(place);
        expect(() => new ListCursor('audit', filters).parse(cursor)).toThrow(Refused);
        expect(() =>
          new ListCursor('sessions', { ...filters, mine: 'true' }).parse(cursor),
        ).toThrow(Refused);
      },
    ),
  );
});

test('what was made up is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(() => new ListCursor('sessions', {}).parse(text)).toThrow(Refused);
    }),
  );
});

test('the link to the next page keeps the filters and replaces the cursor', () => {
  expect(nextLink('/v1/sessions?state=pending&state=active&cursor=old&limit=2', 'new')).toBe(
    '</v1/sessions?state=pending&state=active&cursor=new&limit=2>; rel="next"',
  );
  expect(nextLink('/v1/sessions', 'c')).toBe('</v1/sessions?cursor=c>; rel="next"');
});
