import { expect, test } from 'vitest';
import { NearestNames, nearestName } from './nearest.name.js';

const NAMES = ['publicUrl', 'port', 'managementPort', 'host'];

test.each([
  ['publicURL', 'publicUrl'],
  ['public_url', 'publicUrl'],
  ['managmentPort', 'managementPort'],
  ['prt', 'port'],
  ['hots', undefined],
  ['colour', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('%j was most likely meant to be %s', (name, nearest) => {
  expect(nearestName(name, NAMES)).toBe(nearest);
});

test('of several near names the nearest is meant, and of equal ones the first', () => {
  expect(nearestName('payment', ['paiment', 'payments', 'pament'])).toBe('paiment');
  expect(nearestName('payments', ['payment', 'pay-ments'])).toBe('pay-ments');
});

test('names are looked for until so much was looked through', () => {
  const nearest = new NearestNames(5);
  expect(nearest.of('prt', NAMES)).toBe('port');
  expect(nearest.of('prt', NAMES)).toBeUndefined();
});
