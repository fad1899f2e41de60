import { expect, test } from 'vitest';
import { ok } from '../../domain/doctor/finding.js';
import { examine } from './examine.js';

test('a check that throws is unknown, says no more than its kind, and the others are told', async () => {
  const secret = 'postgresql://hallpass:secret@db/hallpass';
  const found = await examine([
    { name: 'sinks', on: 'siem', look: () => Promise.reject(new TypeError(secret)) },
    {
      name: 'slack',
      on: 'slack',
      look: () => {
        throw new Error(secret);
      },
    },
    { name: 'rights', on: 'prod/shop', look: () => ok('it has them') },
  ]);
  expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['rights', 'ok'],
    ['slack', 'unknown'],
    ['sinks', 'unknown'],
  ]);
  expect(JSON.stringify(found)).not.toContain('secret');
  expect(found.at(-1)?.seen).toContain('TypeError');
});

test('a check that does not end is unknown in time, and told to stop', async () => {
  let wasStopped = false;
  const [row] = await examine(
    [
      {
        name: 'issuer',
        on: 'https://login.example.com',
        look: (signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              wasStopped = true;
            });
          }),
      },
    ],
    20,
  );
  expect(row?.verdict).toBe('unknown');
  expect(wasStopped).toBe(true);
});
