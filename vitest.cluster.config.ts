import { defineConfig } from 'vitest/config';

/** The test of the main job against the cluster that `KUBECONFIG` names; no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/real-cluster/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
