import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownPath } from './own.path.js';

test('a path of our own leads to our own host, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.webPath()), (text) => {
      const { origin } = new URL(ownPath(text), 'https://hallpass.example.com');
      expect(origin).toBe('https://hallpass.example.com');
    }),
  );
  expect(ownPath('/link/slack?code=a_b-c')).toBe('/link/slack?code=a_b-c');
});
