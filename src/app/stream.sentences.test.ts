import { expect, it } from 'vitest';
import { duration } from './stream.sentences.js';

it.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [45.4, '45 seconds'],
  [60, '1 minute'],
  [100, '100 seconds'],
  [299.6, '5 minutes'],
  [3_600, '60 minutes'],
  [7_200, '2 hours'],
  [7_500, '125 minutes'],
])('%d seconds are called %s', (seconds, words) => {
  expect(duration(seconds * 1000)).toBe(words);
});
