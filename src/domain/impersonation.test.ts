import fc from 'fast-check';
import { expect, test } from 'vitest';
import { impersonatedName } from './impersonation.js';

const PREFIX = { userPrefix: 'hallpass:', group: 'hallpass:sessions' };
const person = { iss: 'https://id.example', sub: 'robin', groups: [] };

test('people are named by their e-mail address, and by their subject where there is none', () => {
  expect(impersonatedName(PREFIX, { ...person, email: 'r@example.com' })).toBe(
    'hallpass:r@example.com',
  );
  expect(impersonatedName(PREFIX, person)).toBe('hallpass:robin');
});

test('any name is one that a header takes, and no two names become one', () => {
  const name = fc.string({ unit: 'binary', minLength: 1 });
  const named = (sub: string) => impersonatedName(PREFIX, { ...person, sub });
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(named(a)).toMatch(/^hallpass:[\x21-\x7e]+$/);
      if (a.toWellFormed() !== b.toWellFormed()) expect(named(a)).not.toBe(named(b));
    }),
  );
  expect(named('röbin 1%')).toBe('hallpass:r%C3%B6bin%201%25');
});
