import { describe, expect, test } from 'vitest';
import { computedMs } from '../../../test/support/own.time.js';
import { textPattern } from './text.pattern.js';

function compiled(source: string) {
  const pattern = textPattern(source);
  if ('error' in pattern) throw new Error(pattern.error);
  return pattern;
}

function errorOf(source: string): string {
  const pattern = textPattern(source);
  return 'error' in pattern ? pattern.error : '';
}

describe('a pattern', () => {
  test('matches the whole text, or not at all', () => {
    const ticket = compiled('INC-[0-9]+');
    expect(ticket.matches('INC-4711')).toBe(true);
    expect(ticket.matches('see INC-4711')).toBe(false);
    expect(ticket.matches('INC-4711\n')).toBe(false);
    expect(compiled('a|ab').matches('ab')).toBe(true);
    expect(compiled('.{10,}').matches('too short')).toBe(false);
    expect(compiled('.{20,400}').source).toBe('.{20,400}');
  });

  test.each([
    ['(?=a)b', 'is no pattern of RE2: invalid or unsupported Perl syntax'],
    ['(a)\\1', 'is no pattern of RE2: invalid escape sequence'],
    ['[a-', 'is no pattern of RE2: missing closing ]'],
    ['(a{1000}){1000}', 'is no pattern of RE2: invalid repeat count'],
    ['(?:a?){400}a{400}', 'is too large'],
    ['x'.repeat(501), 'must be 500 characters at most'],
    ['('.repeat(500), 'is no pattern of RE2'],
  ])('that cannot be matched in linear time, or is too large, is refused: %s', (source, error) => {
    expect(errorOf(source)).toContain(error);
  });

  test.each(['(x+x+)+y', '(.*)*z', '(x|x)*y', '(x|y)*x(x|y){200}', '(?:x?){160}x{160}y'])(
    'takes no longer than its text is long, whatever is tried: %s',
    (source) => {
      const pattern = compiled(source);
      const begun = computedMs();
      expect(pattern.matches('x'.repeat(2_000))).toBe(source.endsWith('{200}'));
      expect(computedMs() - begun).toBeLessThan(500);
    },
  );
});
