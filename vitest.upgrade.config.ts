import { defineConfig } from 'vitest/config';

/** `npm run test:upgrade`: the release before and this one together, live. */
export default defineConfig({
  test: {
    include: ['test/rolling-upgrade/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
