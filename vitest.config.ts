import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,sandbox,bench,test}/**/*.test.ts'],
    exclude: ['node_modules', 'dist', 'test/real-cluster/**', 'test/rolling-upgrade/**'],
    globalSetup: ['test/support/postgres.global.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // What is waited for comes, on a busy machine as well.
    expect: { poll: { timeout: 10_000 } },
    // Two for each of two cores: tests wait for databases and processes.
    maxWorkers: 4,
  },
});
