import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lanesOfEach } from './session.lanes.js';

const some = fc.integer({ min: 1, max: 4_096 });
const settings = fc.record({ perCluster: some, overAll: some, clusters: some });

describe('the lanes of a cluster', () => {
  test('are as many as were set for one, while all clusters together need no more than was set for all', () => {
    expect(lanesOfEach({ perCluster: 64, overAll: 512, clusters: 8 }).all).toBe(64);
    expect(lanesOfEach({ perCluster: 64, overAll: 512, clusters: 30 }).all).toBe(17);
  });

  test('are no more of all clusters together than was set, but for two of each', () => {
    fc.assert(
      fc.property(settings, (it) => {
        const { all } = lanesOfEach(it);
        expect(all * it.clusters).toBeLessThanOrEqual(Math.max(it.overAll, 2 * it.clusters));
        expect(all).toBeLessThanOrEqual(Math.max(it.perCluster, 2));
      }),
    );
  });

  test('leave, however few, one for what ends sessions and one for everything', () => {
    fc.assert(
      fc.property(settings, (it) => {
        const { all, usual } = lanesOfEach(it);
        expect(usual).toBeGreaterThanOrEqual(1);
        expect(all - usual).toBeGreaterThanOrEqual(all / 4);
      }),
    );
  });
});
