import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarmlessOutput } from './harmless.output.js';

const ESC = '\u001b';

function passed(...parts: readonly string[]): string {
  const output = new HarmlessOutput();
  return parts.map((part) => output.pass(part)).join('');
}

/** What a terminal shows of it, and what it sends back. */
async function drawn(text: string): Promise<{ lines: string[]; answers: string }> {
  const terminal = new xterm.Terminal({ cols: 40, rows: 6, allowProposedApi: true });
  let answers = '';
  terminal.onData((data) => (answers += data));
  terminal.onBinary((data) => (answers += data));
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const { active } = terminal.buffer;
  const lines = Array.from(
    { length: active.length },
    (_, row) => active.getLine(row)?.translateToString(true) ?? '',
  );
  terminal.dispose();
  return { lines, answers };
}

test('text, colours and what full-screen programs draw with reach an onlooker as they are', () => {
  for (const text of [
    'añ→😀\r\n\tb\b',
    `${ESC}[1;38:2::1:2:3mred${ESC}[0m${ESC}(0lqk${ESC}(B`,
    `${ESC}[?1049h${ESC}[?25l${ESC}[2;5r${ESC}[H${ESC}[2J${ESC}[3;4Hx${ESC}[K${ESC}M${ESC}7${ESC}8`,
    `${ESC}[!p`,
  ]) {
    expect(passed(text)).toBe(text);
  }
});

describe('an onlooker is kept from', () => {
  test.each([
    ['a query of settings, whose answer holds a q', `${ESC}P$q q${ESC}\\`],
    [
      'who the terminal is, and where its cursor',
      `${ESC}[c${ESC}[>c${ESC}[6n${ESC}[?6n${ESC}Z\u0005`,
    ],
    ['its version, modes, keyboard and colours', `${ESC}[>q${ESC}[?1$p${ESC}[?u${ESC}]11;?\u0007`],
    ['the clipboard', `${ESC}]52;c;aGk=${ESC}\\`],
    ['titles and links', `${ESC}]0;root@prod\u0007${ESC}]8;;http://x\u001b\\${ESC}ktitle${ESC}\\`],
    ['moving windows, and printing', `${ESC}[8;5;5t${ESC}[21t${ESC}[5i`],
    [
      'the mouse, focus, pastes, a locked keyboard',
      `${ESC}[?1000;1004;2004h${ESC}[?1003r${ESC}[2h`,
    ],
    ['losing what has scrolled away', `${ESC}[3J`],
    ['the same as controls of 8 bits', '\u009b6n\u009d52;c;aGk=\u009c\u0090$qm\u009c'],
    ['what passes through tmux', `${ESC}Ptmux;${ESC}${ESC}]52;c;aGk=\u0007${ESC}\\`],
    ['sequences without end', `${ESC}[${'1;'.repeat(1_000)}m`],
  ])('%s', (_, hostile) => {
    expect(passed(`a${hostile}b`)).toBe('ab');
    expect(passed('a', ...hostile, 'b')).toBe('ab');
  });
});

test('of several modes those that only draw are left', () => {
  expect(passed(`${ESC}[?1000;1049;25h`)).toBe(`${ESC}[?1049;25h`);
});

test('a full reset clears the screen, and no more than that', async () => {
  const filled = 'line\r\n'.repeat(10);
  const { lines } = await drawn(passed(`${filled}${ESC}cnew`));
  expect(lines).toEqual(expect.arrayContaining(['line', 'new']));
});

/** Pieces of which sequences are made, whole and broken ones. */
const piece = fc.oneof(
  fc.constantFrom(ESC, `${ESC}[`, `${ESC}]`, `${ESC}P`, `${ESC}\\`, '\u009b', '\u0090', '\u009c'),
  fc.constantFrom(
    '?',
    '>',
    '=',
    '$',
    '!',
    ' ',
    '"',
    ';',
    '0',
    '5',
    '6',
    '25',
    '52',
    '1000',
    '1049',
  ),
  fc.constantFrom(...'cnpqtuxyzhlrsmJZ', '\u0005', '\u0007', '\u0018', '\n'),
  fc.constantFrom(`${ESC}[6n`, `${ESC}[c`, `${ESC}P$qm${ESC}\\`, `${ESC}]10;?\u0007`, `${ESC}Z`),
);
const hostile = fc.array(piece, { maxLength: 30 });

test('whatever is shown, the terminal of an onlooker sends nothing back', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (pieces) => {
      expect((await drawn(passed(...pieces))).answers).toBe('');
    }),
    { numRuns: 300 },
  );
});

test('however it is cut, the same is shown; and what has passed passes again as it is', () => {
  fc.assert(
    fc.property(hostile, (pieces) => {
      const whole = passed(pieces.join(''));
      expect(passed(...pieces)).toBe(whole);
      expect(passed(whole)).toBe(whole);
    }),
  );
});
