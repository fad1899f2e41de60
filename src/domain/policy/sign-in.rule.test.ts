import { expect, test } from 'vitest';
import { signInLacks, signInParameters } from './sign-in.rule.js';

const RULE = { acr: ['gold', 'platinum'], amr: ['mfa'], maxAgeSeconds: 600 };
const STRONG = { acr: 'platinum', amr: ['pwd', 'mfa'], authAgeSeconds: 600 };

test('a sign-in that is of one of the classes, by all methods and not too old lacks nothing', () => {
  expect(signInLacks(RULE, STRONG)).toBeUndefined();
  const none = { acr: [], amr: [], maxAgeSeconds: null };
  expect(signInLacks(none, { acr: '', amr: [], authAgeSeconds: null })).toBeUndefined();
});

test.each([
  ['of another class', { acr: 'silver' }, 'of class gold or platinum (acr; yours is silver)'],
  ['of no class', { acr: '' }, 'of class gold or platinum (acr; yours has none)'],
  ['without the method', { amr: ['pwd'] }, 'by mfa (amr)'],
  ['too long ago', { authAgeSeconds: 601 }, '600 seconds ago at most (auth_time; yours was 601'],
  ['nobody knows when', { authAgeSeconds: null }, '600 seconds ago at most (auth_time; yours has'],
])('a sign-in %s lacks that, and is told how to ask for all of it', (_what, over, text) => {
  const lacks = signInLacks(RULE, { ...STRONG, ...over });
  expect(lacks).toContain(`needs a sign-in ${text}`);
  expect(lacks).toMatch(/: sign in again with acr_values="gold platinum" and max_age=600$/);
});

test('a new sign-in is asked for by parameters of OpenID Connect, where there are any for it', () => {
  expect(signInParameters(RULE)).toEqual({ acr_values: 'gold platinum', max_age: '600' });
  expect(signInParameters({ acr: [], maxAgeSeconds: null })).toEqual({});
  const rule = { acr: [], amr: ['mfa'], maxAgeSeconds: null };
  expect(signInLacks(rule, { ...STRONG, amr: [] })).toBe(
    'needs a sign-in by mfa (amr): sign in again so',
  );
});
