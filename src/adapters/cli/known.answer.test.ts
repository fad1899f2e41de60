import { expect, test } from 'vitest';
import { z } from 'zod';
import { knownAnswer } from './known.answer.js';

const shape = z.strictObject({
  items: z.array(z.strictObject({ id: z.string() })),
  next: z.string().nullable(),
});

test('members that a newer broker has are passed over, at any depth', () => {
  const answer = { items: [{ id: 'a', colour: 'red' }], next: null, more: {} };
  expect(knownAnswer(shape, answer)).toEqual({ items: [{ id: 'a' }], next: null });
  expect(answer.more).toEqual({});
});

test('what lacks a member, or has another kind of one, is no such answer', () => {
  expect(knownAnswer(shape, { items: [{}], next: null, more: 1 })).toBeUndefined();
  expect(knownAnswer(shape, 'text')).toBeUndefined();
});
