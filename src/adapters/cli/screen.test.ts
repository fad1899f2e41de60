import { expect, test } from 'vitest';
import { counted, sized } from './screen.js';

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [812, '812 bytes'],
  [999, '999 bytes'],
  [1_000, '1.0 kB'],
  [12_345, '12.3 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [4_500_000_000, '4.5 GB'],
  [4_500_000_000_000_000, '4500.0 TB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sized(bytes)).toBe(text);
});

test('one of something is not many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'file'))).toEqual([
    '0 files',
    '1 file',
    '2 files',
  ]);
});
