import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GatheredLines, release } from './gathered.lines.js';

const line = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  // Beyond what the memory of a shell's second holds, and beyond that of a flood's.
  fc.integer({ min: 1_000, max: 3_000 }).map((length) => '€'.repeat(length)),
  fc.integer({ min: 200_000, max: 600_000 }).map((length) => 'x'.repeat(length)),
);

describe('lines that are gathered', () => {
  test('are taken as they were added, in bytes that nobody else writes to until they are released', () => {
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 8 }), { maxLength: 6 }), (chunks) => {
        const lines = new GatheredLines();
        const taken = chunks.map((chunk) => {
          const bytes = chunk.map((text) => lines.add(text)).reduce((sum, it) => sum + it, 0);
          expect(lines.bytes).toBe(bytes);
          return lines.take();
        });
        expect(lines.bytes).toBe(0);
        for (const [at, bytes] of taken.entries()) {
          expect(bytes.equals(Buffer.from(chunks[at]?.join('') ?? ''))).toBe(true);
          release(bytes);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('of a flood are put where those before were, once these were released', () => {
    const lines = new GatheredLines();
    lines.add('x'.repeat(10_000));
    const first = lines.take();
    lines.add('y'.repeat(10_000));
    const second = lines.take();
    expect(second.buffer).not.toBe(first.buffer);
    release(first);
    lines.add('z'.repeat(10_000));
    expect(lines.take().buffer).toBe(first.buffer);
  });
});
