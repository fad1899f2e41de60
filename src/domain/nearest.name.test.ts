import { expect, test } from 'vitest';
import { nearestName } from './nearest.name.js';

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
