import { defineConfig } from 'vitest/config';

/** The test of the main job against the cluster that `KUBECONFIG` names; no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/real-cluster/**/*.test.ts'],
    globalSetup: ['test/support/postgres.global.ts'],
    // Nearly all of a test's time is waiting for the cluster.
    maxConcurrency: 20,
  },
});
