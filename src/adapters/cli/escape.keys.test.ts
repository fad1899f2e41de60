import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EscapeKeys } from './escape.keys.js';

function typed(...parts: string[]): { text: string; wantsOut: boolean } {
  const keys = new EscapeKeys();
  const taken = parts.map((part) => keys.take(Buffer.from(part, 'latin1')));
  return {
    text: taken.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join(''),
    wantsOut: taken.some(({ wantsOut }) => wantsOut),
  };
}

describe('the keys that lead out of a terminal', () => {
  test('are ~ and . at the beginning of a line, typed apart or together', () => {
    expect(typed('~.')).toEqual({ text: '', wantsOut: true });
    expect(typed('ls\r', '~', '.')).toEqual({ text: 'ls\r', wantsOut: true });
  });

  test('are ordinary keys anywhere else', () => {
    expect(typed('cd ~.\r')).toEqual({ text: 'cd ~.\r', wantsOut: false });
    expect(typed('~/bin\r')).toEqual({ text: '~/bin\r', wantsOut: false });
  });

  test('can be typed at the beginning of a line by doubling the ~', () => {
    expect(typed('~~.\r')).toEqual({ text: '~.\r', wantsOut: false });
  });

  test('are the only ones that are kept back: all else goes through in its order, however it is cut', () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((it) => it.filter((byte) => byte !== 0x7e));
    fc.assert(
      fc.property(fc.array(bytes), (parts) => {
        const keys = new EscapeKeys();
        const through = parts.flatMap((part) => [...keys.take(part).bytes]);
        expect(through).toEqual(parts.flatMap((part) => [...part]));
      }),
    );
  });
});
