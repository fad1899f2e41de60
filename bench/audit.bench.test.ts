import { expect, test } from 'vitest';
import { measureAudit } from './audit.bench.js';

const EXTENT = {
  sizes: [600, 1_500],
  rounds: 1,
  eachRound: 21,
  perSecond: 100,
  seconds: 1,
  reads: 10,
  verifiedMax: 1_500,
  verifications: 1,
  searches: 1,
};

test('measures an audit log that grows, verifies it, and says what each takes', async () => {
  const { measures, ratios } = await measureAudit(EXTENT, {
    signal: new AbortController().signal,
    say: () => undefined,
  });
  for (const size of EXTENT.sizes) {
    expect(measures).toMatchObject({
      [`append${size}`]: { unit: 'ms', count: 21 },
      [`plain${size}`]: { unit: 'ms', count: 21 },
      [`delay${size}`]: { unit: 'ms', count: 100 },
      [`proofs${size}`]: { unit: '/s', count: 10 },
      [`bundles${size}`]: { unit: '/s', count: 10 },
    });
    // And what was written since it was filled.
    expect(measures[`verified${size}`]?.count).toBeGreaterThan(size);
    expect(ratios[`appendToPlain${size}`]?.value).toBeGreaterThan(0);
  }
  expect(measures).toHaveProperty(['search1500 text, rare']);
  expect(ratios).toHaveProperty('searchMostToFewest');
}, 120_000);

test('ends when it is interrupted', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(measureAudit(EXTENT, { signal, say: () => undefined })).rejects.toThrow(
    'interrupted',
  );
});
