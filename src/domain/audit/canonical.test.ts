/* eslint-disable no-loss-of-precision -- the numbers are those of the RFC */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from './canonical.js';

class Secretive {
  readonly x = 1;
}

describe('canonical JSON (RFC 8785)', () => {
  test('sorts members by UTF-16 code units (§3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      1: 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const keys = Object.keys(JSON.parse(canonicalJson(value)) as object);
    // The RFC's own order; `1` is an index to JavaScript and goes first when read back.
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
    expect(keys).toHaveLength(7);
  });

  test('writes literals, strings and numbers as §3.2.2 shows', () => {
    const value = {
      numbers: [333333333.33333329, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test.each([
    [0, '0'],
    [-0, '0'],
    [5e-324, '5e-324'],
    [-5e-324, '-5e-324'],
    [9007199254740991, '9007199254740991'],
    [-9007199254740991, '-9007199254740991'],
    [0.1, '0.1'],
    [1e-7, '1e-7'],
    [0.000001, '0.000001'],
    [333333333.3333332, '333333333.3333332'],
    [-0.0000033333333333333333, '-0.0000033333333333333333'],
    [1424953923781206.2, '1424953923781206.2'],
  ])('writes the number %d as %s (appendix B)', (number, text) => {
    expect(canonicalJson(number)).toBe(text);
  });

  test.each([
    ['not a number', NaN],
    ['infinity', Infinity],
    ['an integer beyond 2^53', 2 ** 53],
    ['a lone high surrogate', '\ud800'],
    ['a lone low surrogate in a key', { '\udc00': 1 }],
    ['a lone surrogate deep inside', [{ a: ['x\udfff'] }]],
    ['undefined', undefined],
    ['undefined in a list', [undefined]],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a class of ours', new Secretive()],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalJson(value)).toThrow();
  });

  test('refuses a list with a hole, which JSON cannot say', () => {
    // eslint-disable-next-line no-sparse-arrays -- the hole is what is tried
    expect(() => canonicalJson([1, , 2])).toThrow();
  });

  test('leaves out members that are undefined', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  test('takes no member for a prototype', () => {
    const value: unknown = JSON.parse('{"__proto__":{"x":1},"constructor":2}');
    expect(canonicalJson(value)).toBe('{"__proto__":{"x":1},"constructor":2}');
  });

  const json = fc
    .jsonValue({ maxDepth: 4 })
    .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  const canonicals = json.filter((value) => {
    try {
      canonicalJson(value);
      return true;
    } catch {
      return false;
    }
  });

  test('says the same value when it is read back, and the same text when written again', () => {
    fc.assert(
      fc.property(canonicals, (value) => {
        const text = canonicalJson(value);
        const read: unknown = JSON.parse(text);
        expect(read).toEqual(value);
        expect(canonicalJson(read)).toBe(text);
      }),
    );
  });

  test('never depends on the order of members', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, child]) => [key, reversed(child)]),
      );
    };
    fc.assert(
      fc.property(canonicals, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  test('writes different values differently', () => {
    fc.assert(
      fc.property(canonicals, canonicals, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        if (canonicalJson(a) === canonicalJson(b)) expect(a).toEqual(b);
        else expect(same).toBe(false);
      }),
    );
  });
});
