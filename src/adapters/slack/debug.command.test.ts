import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isHelp, isWrong, parseDebugCommand } from './debug.command.js';

test('where, for how long and why are read from one line', () => {
  expect(parseDebugCommand('payments/checkout 30m pool exhausted')).toEqual({
    namespace: 'payments',
    name: 'checkout',
    durationSeconds: 1800,
    reason: 'pool exhausted',
  });
  expect(parseDebugCommand('eu-1/payments/checkout 1H30M  since   14:02')).toEqual({
    cluster: 'eu-1',
    namespace: 'payments',
    name: 'checkout',
    durationSeconds: 5400,
    reason: 'since 14:02',
  });
});

test('whatever is left out is left to the form', () => {
  expect(parseDebugCommand('')).toEqual({});
  expect(parseDebugCommand('payments')).toEqual({ namespace: 'payments' });
  expect(parseDebugCommand('payments 30m')).toEqual({
    namespace: 'payments',
    durationSeconds: 1800,
  });
  expect(parseDebugCommand('payments/checkout 5xx errors')).toEqual({
    namespace: 'payments',
    name: 'checkout',
    reason: '5xx errors',
  });
});

test.each([
  ['pool exhausted', /Begin with where/],
  ['a/b/c/d 30m why', /Begin with where/],
  ['payments/', /lower-case letters/],
  ['/checkout', /lower-case letters/],
  ['Payments/checkout', /lower-case letters/],
  ['<!channel>/checkout', /lower-case letters/],
  ['payments/checkout 30min why', /30m/],
  ['payments/checkout 0m why', /is no length/],
  ['payments/checkout 30m \u202egnihton', /direction of text/],
  ['payments/checkout 30m two\nlines', /one line/],
  ['x'.repeat(2_001), /too long/],
])('%j is answered with what is wrong', (text, sentence) => {
  const words = parseDebugCommand(text);
  expect(isWrong(words) && words.wrong).toMatch(sentence);
});

test('any text at all is read or answered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const words = parseDebugCommand(text);
      if (isWrong(words)) expect(words.wrong).not.toMatch(/[<>]/);
      else expect(words.reason ?? '').not.toMatch(/\n/);
    }),
  );
});

test('help is what people write for it, and a namespace may be called so', () => {
  expect(['help', ' HELP ', '?', '-h', '--help'].every(isHelp)).toBe(true);
  expect(['help 30m', '', 'helper'].some(isHelp)).toBe(false);
});
