import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { sharing } from './shared.lookup.js';

type Asked = {
  readonly host: string;
  readonly answer: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void;
};

const ODD = new TypeError('no such name can be asked for');

function lab() {
  const asked: Asked[] = [];
  const lookup = sharing((host, _options, answer) => {
    if (host === 'odd') throw ODD;
    asked.push({ host, answer });
  });
  const all = (host: string): Promise<unknown> =>
    new Promise((resolve) => {
      lookup(host, { all: true }, (error, found) => resolve(error ?? found));
    });
  const one = (host: string): Promise<unknown> =>
    new Promise((resolve) => {
      lookup(host, {}, (error, address, family) => resolve(error ?? [address, family]));
    });
  return { asked, all, one };
}

const FOUND = [
  { address: '192.0.2.1', family: 4 },
  { address: '2001:db8::1', family: 6 },
];

test('whoever asks for a name while it is asked for waits for the same answer, and each gets it in their form', async () => {
  const { asked, all, one } = lab();
  const waiting = [all('a.example'), one('a.example'), all('a.example')];
  expect(asked.map(({ host }) => host)).toEqual(['a.example']);
  asked[0]?.answer(null, FOUND);
  expect(await Promise.all(waiting)).toEqual([FOUND, ['192.0.2.1', 4], FOUND]);
});

test('a name that nobody answers for holds up no other, and is asked for again once there was an answer', async () => {
  const { asked, all } = lab();
  const silent = all('silent.example');
  const quick = all('quick.example');
  asked[1]?.answer(null, FOUND);
  expect(await quick).toEqual(FOUND);
  const refused = Object.assign(new Error('nobody knows'), { code: 'ENOTFOUND' });
  asked[0]?.answer(refused, []);
  expect(await silent).toBe(refused);
  const again = all('silent.example');
  asked[2]?.answer(null, FOUND);
  expect(await again).toEqual(FOUND);
});

test('a name that cannot be asked for at all is an error for all who ask, each time', async () => {
  const { all, one } = lab();
  expect(await Promise.all([all('odd'), one('odd')])).toEqual([ODD, ODD]);
  expect(await all('odd')).toBe(ODD);
});
