import fc from 'fast-check';
import { expect, test } from 'vitest';
import { amid, code, escaped, length, literal, shown } from './slack.text.js';

const UNICODE = fc.string({ unit: 'binary', maxLength: 400 });
const HOSTILE = fc
  .array(
    fc.oneof(
      UNICODE,
      fc.constantFrom('<!channel>', '<https://evil|Approve>', '&amp;', '`', '*x*', '\u202e', '😀'),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

test('escaped text mentions nobody, links nowhere and cuts no entity', () => {
  fc.assert(
    fc.property(HOSTILE, fc.integer({ min: 1, max: 200 }), (text, max) => {
      const written = escaped(text, max);
      expect(written.length).toBeLessThanOrEqual(max);
      expect(written).not.toMatch(/[<>]/);
      expect(written.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&');
      expect(written.isWellFormed()).toBe(true);
    }),
  );
});

test('escaped text reads as it was written', () => {
  expect(escaped('a < b && <!channel>', 100)).toBe('a &lt; b &amp;&amp; &lt;!channel&gt;');
});

test('what hides in a text is shown', () => {
  expect(shown('pay\u200bments\u202egnp')).toBe('pay⟨U+200B⟩ments⟨U+202E⟩gnp');
  fc.assert(
    fc.property(HOSTILE, (text) => {
      expect(shown(text)).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}]/u);
    }),
  );
});

test('literal text is cut between characters, and says so', () => {
  expect(literal('😀😀😀', 5)).toBe('😀😀…');
  expect(literal('abc', 3)).toBe('abc');
  expect(literal('', 3)).toBe('–');
});

test('a name is cut in its middle, and keeps what tells it from others', () => {
  const name = `checkout-${'x'.repeat(100)}-7d9f8-x2x4z (Pod)`;
  expect(amid(name, 75)).toMatch(/^checkout-x+…x+-7d9f8-x2x4z \(Pod\)$/);
  expect(amid('abc', 3)).toBe('abc');
  fc.assert(
    fc.property(HOSTILE, fc.integer({ min: 5, max: 90 }), (text, max) => {
      const cut = amid(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut.length).toBeGreaterThan(0);
      expect(cut.isWellFormed()).toBe(true);
    }),
  );
});

test('a name as code stays on its line and within its code', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      expect(code(text, 60)).toMatch(/^`[^`\n]{1,58}`$/u);
    }),
  );
});

test('lengths are told by their two largest units', () => {
  expect([length(90), length(3_600), length(5_430), length(0)]).toEqual([
    '1 min 30 s',
    '1 h',
    '1 h 30 min',
    '0 s',
  ]);
});
