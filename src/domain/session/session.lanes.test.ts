import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lanesOfEach } from './session.lanes.js';

const some = fc.integer({ min: 1, max: 4_096 });
const settings = fc.record({ perCluster: some, overAll: some, clusters: some });

describe('the lanes of a cluster', () => {
  test('are as many as were set for one, while all clusters together need no more than was set for all', () => {
    expect(lanesOfEach({ perCluster: 64, overAll: 512, clusters: 8 })).toBe(64);
    expect(lanesOfEach({ perCluster: 64, overAll: 512, clusters: 30 })).toBe(17);
  });

  test('are no more of all clusters together than was set, but for two of each', () => {
    fc.assert(
      fc.property(settings, (it) => {
        const lanes = lanesOfEach(it);
        expect(lanes).toBeGreaterThanOrEqual(2);
        expect(lanes * it.clusters).toBeLessThanOrEqual(Math.max(it.overAll, 2 * it.clusters));
        expect(lanes).toBeLessThanOrEqual(Math.max(it.perCluster, 2));
      }),
    );
  });
});
