import { defineConfig } from 'vitest/config';

/** `npm run test:restore`: docs/backup.md played, from a backup to a lost server to what is restored. */
export default defineConfig({
  test: {
    include: ['test/restore/**/*.test.ts'],
    globalSetup: ['test/support/postgres.global.ts'],
    reporters: ['verbose'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
