import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ListCursor, nextLink } from './list.cursor.js';
import { Refused } from './refused.error.js';

const IDS = z.string().regex(/^[0-9a-z-]{1,36}$/);

const places = fc.record({
  at: fc.date({
    min: new Date(0),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  }),
  id: fc.stringMatching(/^[0-9a-z-]{1,36}$/),
});

test('a cursor leads back to its place, and to nowhere in another list', () => {
  fc.assert(
    fc.property(
      places,
      fc.record({ cluster: fc.string({ unit: 'grapheme' }) }),
      (place, filters) => {
        const cursor = new ListCursor('sessions', filters, IDS).after(place);
        expect(new ListCursor('sessions', filters, IDS).parse(cursor)).toEqual(place);
        expect(() => new ListCursor('audit', filters, IDS).parse(cursor)).toThrow(Refused);
        expect(() =>
          new ListCursor('sessions', { ...filters, mine: 'true' }, IDS).parse(cursor),
        ).toThrow(Refused);
      },
    ),
  );
});

test('one that was made up with an id that the list does not have is refused', () => {
  const made = new ListCursor('audit', {}, IDS).after({ at: new Date(0), id: 'no-uuid' });
  expect(() => new ListCursor('audit', {}, z.uuid()).parse(made)).toThrow(Refused);
});

test('what was made up is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(() => new ListCursor('sessions', {}, IDS).parse(text)).toThrow(Refused);
    }),
  );
});

test('the link to the next page keeps the filters and replaces the cursor', () => {
  expect(nextLink('/v1/sessions?state=pending&state=active&cursor=old&limit=2', 'new')).toBe(
    '</v1/sessions?state=pending&state=active&cursor=new&limit=2>; rel="next"',
  );
  expect(nextLink('/v1/sessions', 'c')).toBe('</v1/sessions?cursor=c>; rel="next"');
});
