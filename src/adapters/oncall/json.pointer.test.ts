import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JSON_POINTER } from '../../domain/policy/on-call-source.js';
import { valueAt } from './json.pointer.js';

/** RFC 6901 §5. */
const DOCUMENT: unknown = JSON.parse(`{
  "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\\\j": 5, "k\\"l": 6, " ": 7, "m~n": 8
}`);

describe('a JSON pointer', () => {
  test.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('leads where the standard says: %j', (pointer, value) => {
    expect(pointer).toMatch(JSON_POINTER);
    expect(valueAt(DOCUMENT, pointer)).toEqual(value);
  });

  test.each([
    '/foo/2',
    '/foo/00',
    '/foo/-',
    '/foo/length',
    '/foo/0/0',
    '/bar',
    '/toString',
    '/foo/',
  ])('leads nowhere: %j', (pointer) => {
    expect(valueAt(DOCUMENT, pointer)).toBeUndefined();
  });

  test.each(['foo', '~', '/~', '/~2', '/a~', '#/foo', 'foo/bar'])('is not %j', (text) => {
    expect(text).not.toMatch(JSON_POINTER);
  });

  test('leads to whatever is there under any names', () => {
    const names = fc.array(fc.oneof(fc.string(), fc.constantFrom('~1', '~01', '/', '__proto__')));
    fc.assert(
      fc.property(names, (steps) => {
        const escaped = steps.map((it) => `/${it.replaceAll('~', '~0').replaceAll('/', '~1')}`);
        const document = steps.reduceRight<unknown>(
          (inner, name) => Object.fromEntries([[name, inner]]),
          'here',
        );
        expect(escaped.join('')).toMatch(JSON_POINTER);
        expect(valueAt(document, escaped.join(''))).toBe('here');
      }),
    );
  });
});
