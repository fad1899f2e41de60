import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CastEvent } from './asciicast.js';
import { CAST_CODES, CastReader, castLine, castLineV2, headerV2 } from './asciicast.js';
import { firstDigest, nextDigest } from './digest.chain.js';
import { PartDecoder } from './text.decoder.js';

/** Bytes with much in them that is nearly UTF-8. */
const tricky = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 4 }).map((text) => Buffer.from(text.toWellFormed())),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('f0908d88', 'e282', 'c3', 'efbfbd', 'efbbbf', 'eda080', 'f0808080', 'ff')
        .map((hex) => Buffer.from(hex, 'hex')),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

/** The bytes in pieces. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((it) => it % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}
const cuts = fc.array(fc.nat(), { maxLength: 6 });

function decoded(pieces: readonly Buffer[]): { parts: string[]; replacements: number } {
  const decoder = new PartDecoder();
  const parts = [...pieces.map((piece) => decoder.decode(piece)), decoder.end()];
  return { parts, replacements: decoder.replacements };
}

describe('text of bytes', () => {
  test('is the same however the bytes are cut, and what the standard makes of all at once', () => {
    fc.assert(
      fc.property(tricky, cuts, (bytes, places) => {
        const { parts, replacements } = decoded(cut(bytes, places));
        const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
        expect(parts.join('')).toBe(whole);
        expect(parts.every((part) => part.isWellFormed())).toBe(true);
        expect(replacements).toBe(whole.split('\uFFFD').length - 1);
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives valid UTF-8 back byte for byte, a byte order mark too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), cuts, (text, places) => {
        const bytes = Buffer.from(`\uFEFF${text}`);
        expect(Buffer.from(decoded(cut(bytes, places)).parts.join(''))).toEqual(bytes);
      }),
    );
  });

  test('holds no piece of the buffer that it was handed', () => {
    const decoder = new PartDecoder();
    const buffer = Buffer.from('€');
    expect(decoder.decode(buffer.subarray(0, 2))).toBe('');
    const rest = Buffer.from(buffer.subarray(2));
    buffer.fill(0x41);
    expect(decoder.decode(rest)).toBe('€');
  });
});

/** Events in the order of their times, up to a day in. */
const events = fc
  .array(
    fc.record({
      afterMs: fc.nat({ max: 3_600_000 }),
      code: fc.constantFrom(...CAST_CODES),
      data: fc.string({ unit: 'grapheme' }),
    }),
    { maxLength: 50 },
  )
  .map((steps) => {
    let atMs = 0;
    return steps.map(({ afterMs, ...event }): CastEvent => ({ ...event, atMs: (atMs += afterMs) }));
  });

function linesOf(given: readonly CastEvent[]): string[] {
  return given.map((event, index) => castLine(event, given[index - 1]?.atMs ?? 0));
}

describe('asciicast', () => {
  test('is read back as it was written: the intervals add up, and none is rounded away', () => {
    fc.assert(
      fc.property(events, (given) => {
        const reader = new CastReader();
        expect(linesOf(given).map((line) => reader.read(line))).toEqual(given);
      }),
    );
  });

  test('tells the same times in version 2, counted from the beginning, and leaves out what v2 does not know', () => {
    fc.assert(
      fc.property(events, (given) => {
        const reader = new CastReader();
        for (const line of linesOf(given)) {
          const event = reader.read(line);
          const v2 = event && castLineV2(event);
          if (event?.code === 'x') expect(v2).toBeUndefined();
          else
            expect(JSON.parse(v2 ?? '')).toEqual([
              (event?.atMs ?? 0) / 1000,
              event?.code,
              event?.data,
            ]);
        }
      }),
    );
  });

  test('is one line for each event, whatever the text holds', () => {
    fc.assert(
      fc.property(events, (given) => {
        for (const line of linesOf(given)) expect(line).toMatch(/^\[[^\n\r]*\]$/);
      }),
    );
  });

  test('passes over comments and codes that nobody knows, and counts their time', () => {
    const reader = new CastReader();
    expect(reader.read('# x')).toBeUndefined();
    expect(reader.read('[1.5, "z", ""]')).toBeUndefined();
    for (const none of ['', '[', '{}', '[1,"o"]', '["1","o",""]', '[1,"o",2]'])
      expect(reader.read(none)).toBeUndefined();
    expect(reader.read('[0.5, "o", "a"]')).toEqual({ atMs: 2_000, code: 'o', data: 'a' });
  });

  test('has a header in version 2 that says the same', () => {
    const v3 =
      '{"version":3,"term":{"cols":120,"rows":40,"type":"xterm-256color"},"timestamp":1,"command":"sh","title":"t"}';
    expect(JSON.parse(headerV2(v3))).toEqual({
      version: 2,
      width: 120,
      height: 40,
      timestamp: 1,
      command: 'sh',
      title: 't',
      env: { TERM: 'xterm-256color' },
    });
  });
});

describe('a chain of chunks', () => {
  const HEADER = '{"version":3}';
  const bodies = fc.uniqueArray(
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    { minLength: 2, maxLength: 8, selector: (bytes) => bytes.toString('hex') },
  );
  const chained = (packed: readonly Buffer[], header = HEADER) =>
    packed
      .reduce((digest, bytes) => nextDigest(digest, bytes), firstDigest(header))
      .toString('hex');

  test('ends elsewhere after every change, removal, swap and addition, and with another header', () => {
    fc.assert(
      fc.property(
        bodies,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (packed, a, b, flip) => {
          const end = chained(packed);
          const at = a % packed.length;
          const bytes = Buffer.from(packed[at] ?? []);
          bytes[b % bytes.length] = (bytes[b % bytes.length] ?? 0) ^ flip;
          expect(chained(packed.with(at, bytes))).not.toBe(end);
          expect(chained(packed.toSpliced(at, 1))).not.toBe(end);
          expect(chained(packed.toSpliced(at, 0, Buffer.from('more')))).not.toBe(end);
          const other = (at + 1) % packed.length;
          const swapped = packed.with(at, packed[other] ?? bytes).with(other, packed[at] ?? bytes);
          expect(chained(swapped)).not.toBe(end);
          expect(chained(packed, '{"version":2}')).not.toBe(end);
        },
      ),
    );
  });
});
