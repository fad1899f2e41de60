import { expect, test } from 'vitest';
import { FewTimes } from './few.times.js';

const at = (seconds: number) => new Date(seconds * 1000);

test('each may so many times in a minute, and again in the next', () => {
  const few = new FewTimes(2);
  const said = (seconds: number, name = 'robin') => few.mayAt(at(seconds), name);
  expect([said(0), said(1), said(2), said(59)]).toEqual([true, true, false, false]);
  expect([said(2, 'alex'), said(60), said(61), said(62)]).toEqual([true, true, true, false]);
});

test('a clock that is set back locks nobody out', () => {
  const few = new FewTimes(1);
  expect([few.mayAt(at(1_000), 'robin'), few.mayAt(at(0), 'robin')]).toEqual([true, true]);
});
