import { expect, test } from 'vitest';
import { measurePolicy } from './policy.bench.js';

const EXTENT = { sizes: [10, 200], rounds: 1, roundMs: 20, loads: 2, loadedDocuments: 50 };

test('decides the same as testing every rule, and says how much faster', async () => {
  const said: string[] = [];
  const { measures, ratios, facts } = await measurePolicy(EXTENT, {
    signal: new AbortController().signal,
    say: (what) => said.push(what),
  });
  expect(Object.keys(measures)).toEqual([
    'decisions10',
    'naive10',
    'decisions200',
    'naive200',
    'load',
  ]);
  expect(measures['load']).toMatchObject({ unit: 'ms', count: 2 });
  expect(ratios['decisionsToNaive200']?.value).toBeGreaterThan(1);
  expect(ratios['decisionsFewestToMost']?.value).toBeGreaterThan(0);
  expect(facts['candidates200']).toBeLessThan(20);
  expect(said).toHaveLength(3);
});

test('ends when it is interrupted', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(
    async () => await measurePolicy(EXTENT, { signal, say: () => undefined }),
  ).rejects.toThrow('interrupted');
});
