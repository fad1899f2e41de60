import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasNameTwice } from './json.names.js';

describe('names of members', () => {
  test.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"\\u0061":3}',
    '{ "a" : 1 ,\n\t"a" : 2 }',
    '[{"x":{"deep":[{"":0,"":0}]}}]',
    '{"a":{"a":1},"a":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"\\ud800":1,"\\uD800":2}',
  ])('that are there twice are found: %s', (text) => {
    expect(hasNameTwice(text)).toBe(true);
  });

  test.each([
    '{"a":{"a":1},"b":[{"a":1},{"a":1}]}',
    '{"a":"a\\":","b":"a"}',
    '["a","a",":"]',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":1,"A":2,"a ":3}',
    '"a"',
    '{}',
    'null',
  ])('that differ, or are of other objects, are not: %s', (text) => {
    expect(hasNameTwice(text)).toBe(false);
  });

  test('are never twice in what a program wrote, and always once a member is repeated', () => {
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(object, fc.nat(), (value, which) => {
        const text = JSON.stringify(value);
        expect(hasNameTwice(text)).toBe(false);
        const names = Object.keys(value);
        const name = JSON.stringify(names[which % names.length]);
        expect(hasNameTwice(`${text.slice(0, -1)},${name}:0}`)).toBe(true);
      }),
    );
  });
});
