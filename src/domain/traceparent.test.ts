import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTraceparent, placeOf, sameTrace, traceIdOf, traceparentOf } from './traceparent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

const hex = (digits: number) =>
  fc
    .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })
    .filter((it) => !/^0+$/.test(it));

describe('a traceparent that was sent', () => {
  test('is taken as the standard has it', () => {
    const taken = parseTraceparent(`00-${TRACE}-${SPAN}-01`);
    expect(taken).toBe(`00-${TRACE}-${SPAN}-01`);
    expect(taken && placeOf(taken)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
  });

  test('of a version to come is taken by what this one knows of it', () => {
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-holds`)).toBe(
      `00-${TRACE}-${SPAN}-01`,
    );
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-ff`)).toBe(`00-${TRACE}-${SPAN}-03`);
  });

  test.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['several', [`00-${TRACE}-${SPAN}-01`]],
    ['several in one line', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
    ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['the version that none may have', `ff-${TRACE}-${SPAN}-01`],
    ['more than this version has', `00-${TRACE}-${SPAN}-01-more`],
    ['a later version whose end is no part of its own', `cc-${TRACE}-${SPAN}-01.more`],
    ['spaces around it', ` 00-${TRACE}-${SPAN}-01`],
    ['a second line', `00-${TRACE}-${SPAN}-01\n`],
    ['a later version without end', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(100)}`],
  ])('is none: %s', (_what, sent) => {
    expect(parseTraceparent(sent)).toBeUndefined();
  });

  test('whatever is sent, what is taken is read as it is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.anything()), (sent) => {
        const taken = parseTraceparent(sent);
        expect(taken === undefined || parseTraceparent(taken) === taken).toBe(true);
      }),
    );
  });
});

describe('a trace that somebody asks for', () => {
  test('is taken by its id and by any place in it, in letters of either case', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
        const place = traceparentOf({ traceId, spanId, isSampled });
        for (const asked of [traceId, traceId.toUpperCase(), place, place.toUpperCase()]) {
          expect(traceIdOf(asked)).toBe(traceId);
        }
      }),
    );
  });

  test.each([
    '',
    '0'.repeat(32),
    TRACE.slice(1),
    `${TRACE}0`,
    ` ${TRACE}`,
    `${TRACE}\n`,
    `g${TRACE.slice(1)}`,
    `00-${TRACE}`,
    `00-${TRACE}-${SPAN}`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
  ])('is none: %j', (asked) => {
    expect(traceIdOf(asked)).toBeUndefined();
  });

  test('is one as it is stored, whatever is asked for, or none', () => {
    const nearly = fc
      .array(fc.constantFrom('00-', 'ff-', TRACE, `-${SPAN}`, '-01', '0', 'A', ' '))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), (asked) => {
        const traceId = traceIdOf(asked);
        expect(traceId === undefined || /^[0-9a-f]{32}$/.test(traceId)).toBe(true);
        expect(traceId === undefined || asked.toLowerCase().includes(traceId)).toBe(true);
      }),
    );
  });
});

test('a place is written and read without loss', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.boolean(), (traceId, spanId, isSampled) => {
      const place = { traceId, spanId, isSampled };
      const written = traceparentOf(place);
      expect(parseTraceparent(written)).toBe(written);
      expect(placeOf(written)).toEqual(place);
      expect(sameTrace(written, traceparentOf({ ...place, spanId: SPAN }))).toBe(true);
    }),
  );
});
