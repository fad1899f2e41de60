import { afterAll, describe, expect, test } from 'vitest';
import type { CastCode } from '../../domain/recording/asciicast.js';
import { XtermScreens } from './xterm.screens.js';

const screens = new XtermScreens();
afterAll(() => screens.close());

type Shown = readonly [atMs: number, data: string, code?: CastCode];

async function read(
  events: readonly Shown[],
  size = { columns: 80, rows: 24, isTerminal: true },
): Promise<[number, string][]> {
  const screen = await screens.open(size);
  const lines = [
    ...(await screen.feed(events.map(([atMs, data, code = 'o']) => ({ atMs, code, data })))),
    ...(await screen.end()),
  ];
  return lines.map(({ atMs, text }) => [atMs, text]);
}

const texts = async (...args: Parameters<typeof read>) =>
  (await read(...args)).map(([, text]) => text);

describe('what was on the screen', () => {
  test('is told line by line, each when it was done, without colours', async () => {
    expect(
      await read([
        [0, '$ '],
        [500, '\u001b[1;32mls\u001b[0m\r\n'],
        [2_000, 'a  b\r\n$ '],
        [9_000, 'exit\r\n'],
      ]),
    ).toEqual([
      [500, '$ ls'],
      [2_000, 'a  b'],
      [9_000, '$ exit'],
    ]);
  });

  test('is what stood there after erasing and moving, not what was sent', async () => {
    expect(await texts([[0, 'passwrod\b\b\b\u001b[Kord\rhello\u001b[3D\u001b[1P\r\n']])).toEqual([
      'heloord',
    ]);
  });

  test('is told before it is cleared away', async () => {
    expect(await texts([[0, 'secret one\u001b[2J\u001b[Hsecret two\u001bcthree\r\n']])).toEqual([
      'secret one',
      'secret two',
      'three',
    ]);
  });

  test('of a full-screen program is each new line once, with its time', async () => {
    const lines = await read([
      [0, '$ top\r\n\u001b[?1049h\u001b[H\u001b[Jload 1\r\ninit'],
      [3_000, '\u001b[H\u001b[Jload 2\r\ninit'],
      [6_000, '\u001b[H\u001b[Jload 3\r\ninit\u001b[?1049l$ bye\r\n'],
    ]);
    expect(lines.map(([, text]) => text)).toEqual(
      expect.arrayContaining(['$ top', 'load 1', 'load 2', 'load 3', '$ bye']),
    );
    expect(lines.filter(([, text]) => text === 'init')).toHaveLength(1);
  });

  test('of a flood is every line of it, and a line that wraps is one', async () => {
    const numbers = Array.from({ length: 50_000 }, (_, n) => `line ${n}`);
    expect(await texts([[0, numbers.map((it) => `${it}\r\n`).join('')]])).toEqual(numbers);
    const long = 'x'.repeat(79) + 'needle' + 'y'.repeat(1_000);
    expect(await texts([[0, `${long}\r\n`]])).toEqual([long]);
  });

  test('of output without a terminal is lines that end with a line feed alone', async () => {
    expect(await texts([[0, 'a\nb\n']], { columns: 80, rows: 24, isTerminal: false })).toEqual([
      'a',
      'b',
    ]);
  });

  test('follows the size, and stays within bounds whatever size is said', async () => {
    expect(
      await texts([
        [0, '40x10', 'r'],
        [1, '99999999x99999999', 'r'],
        [2, '0x-1', 'r'],
        [3, `${'z'.repeat(500)}\r\n`],
      ]),
    ).toEqual(['z'.repeat(500)]);
  });

  test('is read in time from hostile codes with enormous counts', async () => {
    const codes = [
      'S',
      'T',
      'L',
      'M',
      'P',
      '@',
      'X',
      'b',
      'I',
      'Z',
      'A',
      'B',
      'C',
      'D',
      'G',
      'd',
      'H',
      'E',
      'F',
    ];
    const began = performance.now();
    const shown = codes
      .map((code) => `\u001b[2147483647${code}\u001b[1;4294967296${code}`)
      .join('x');
    const lines = await texts([[0, `start\r\n${shown}\r\n\u001b[2J\u001b[Hend\r\n`]]);
    expect(lines).toContain('start');
    expect(lines).toContain('end');
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await texts([[0, 'order 123456789\r\n']])).toEqual(['order 123456789']);
  });

  test('holds no control characters, whatever was in titles and strings', async () => {
    const lines = await texts([
      [0, 'a\u0000\u0007\u001b]0;title\u0007b\u001bPq#0\u001b\\c\u009d52;c;aGk=\u0007\u2028d\r\n'],
    ]);

    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(lines.join('')).not.toContain('title');
  });
});

test('a chunk of nothing but erasing is read within seconds', async () => {
  const began = performance.now();
  const lines = await texts([[0, `${'\u001b[J\u001b[L'.repeat(40_000)}there\r\n`]]);
  expect(lines).toEqual(['there']);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test('a screen that takes too long is given up, and the next one is read all the same', async () => {
  const hasty = new XtermScreens(30);
  // The thread itself takes longer than that to start.
  await expect(hasty.open({ columns: 80, rows: 24, isTerminal: true })).rejects.toThrow(
    /within 30 ms/,
  );
  await hasty.close();
  expect(await texts([[0, 'fine\r\n']])).toEqual(['fine']);
});
