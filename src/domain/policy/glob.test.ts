import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computedMs } from '../../../test/support/own.time.js';
import { globMatches, matchesAny } from './glob.js';

/** Short texts over few letters, so that patterns and texts do meet. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 8 });

describe('a pattern', () => {
  test.each([
    ['shop', 'shop', true],
    ['shop', 'shops', false],
    ['shop', 'sho', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['', '', true],
    ['', 'a', false],
    ['team-*', 'team-', true],
    ['team-*', 'team-a', true],
    ['team-*', 'ateam-a', false],
    ['*-prod', 'shop-prod', true],
    ['*-prod', 'shop-prod-', false],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'axxcxxb', false],
    ['**', 'x', true],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
    ['a?', 'ab', false],
    ['$', '', false],
  ])('%j on %j: %s', (glob, subject, expected) => {
    expect(globMatches(glob, subject)).toBe(expected);
  });

  test('means what the regular expression with .* for * means', () => {
    fc.assert(
      fc.property(pattern, text, (glob, subject) => {
        const parts = glob.split('*');
        expect(globMatches(glob, subject)).toBe(
          new RegExp(`^${parts.join('.*')}$`, 'u').test(subject),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('that has no star matches itself alone', () => {
    fc.assert(
      fc.property(text, text, (glob, subject) => {
        expect(globMatches(glob, subject)).toBe(glob === subject);
      }),
    );
  });

  test('takes time in proportion to the lengths, however it is made', () => {
    const subject = 'a'.repeat(20_000);
    const began = computedMs();
    expect(globMatches(`${'a*'.repeat(500)}b`, subject)).toBe(false);
    expect(globMatches(`${'*'.repeat(500)}b`, subject)).toBe(false);
    expect(globMatches(`*${'a'.repeat(500)}b`, subject)).toBe(false);
    expect(computedMs() - began).toBeLessThan(3000);
  });
});

test('no patterns match nothing', () => {
  expect(matchesAny([], '')).toBe(false);
  expect(matchesAny(['x', 'y*'], 'yes')).toBe(true);
});
