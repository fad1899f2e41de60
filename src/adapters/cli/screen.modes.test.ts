import { expect, test } from 'vitest';
import { ScreenModes } from './screen.modes.js';

const ESC = '\u001b';

function after(...parts: string[]): string {
  const modes = new ScreenModes();
  for (const part of parts) modes.see(Buffer.from(part));
  return modes.reset();
}

test('a program that was cut off on the other screen, without a cursor, leaves neither behind', () => {
  expect(after(`${ESC}[?1049h${ESC}[?25l`)).toBe(`${ESC}[?1049l${ESC}[?25h${ESC}[0m`);
});

test('a sequence that came in two parts counts', () => {
  expect(after(`abc${ESC}[?10`, '06h def')).toContain(`${ESC}[?1006l`);
});

test('a program that cleaned up after itself needs nothing', () => {
  expect(after(`${ESC}[?2004h`, 'typed', `${ESC}[?2004l`)).toBe('');
  expect(after('only text')).toBe('');
});
