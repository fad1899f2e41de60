import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { lineText, spanText, styled, table } from './styled.text.js';

test('what others wrote does nothing in a terminal, and stays on its line', () => {
  expect(spanText('a\u001b[31mred\u0007\nb\u202ec')).toBe('a[31mred bc');
});

test('where no terminal is written to, there are no colours', () => {
  expect(lineText([styled('red', 'denied'), ' by policy'], new PassThrough())).toBe(
    'denied by policy',
  );
});

test('columns are as wide as what is in them', () => {
  const lines = table(
    ['ID', 'STATE'],
    [
      ['a', 'pending'],
      ['long-one', styled('dim', 'ended')],
    ],
  );
  expect(lines.map((line) => lineText(line, new PassThrough()))).toEqual([
    'ID        STATE',
    'a         pending',
    'long-one  ended',
  ]);
});
