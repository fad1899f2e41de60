import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** What takes a minute or more. */
const LONG = ['/test/crash/', '/test/slack/slack-away.', '/bench/terminal.'];

/** Whether this is continuous integration. At a desk nothing is tried twice. */
const isContinuous = Boolean(process.env['CI']);

/** Begins with what takes long, so that no worker is left alone with it at the end. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((it) => moduleId.includes(it));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['{src,sandbox,bench,test}/**/*.test.ts'],
    exclude: [
      'node_modules',
      'dist',
      'test/real-cluster/**',
      'test/rolling-upgrade/**',
      'test/restore/**',
    ],
    globalSetup: ['test/support/postgres.global.ts'],
    // Longer than anything takes, on a machine with other things to do as well: a sandbox and some processes are begun.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes, on a busy machine as well.
    expect: { poll: { timeout: 10_000 } },
    // A machine that others use too stops for seconds at times, and one wait in thousands is then in vain. What passed at its
    // second try is named at the end: it is to be mended, as a race of ours. A law that failed for one input is not tried again,
    // nor what kills programs and counts what is lost.
    retry: isContinuous ? { count: 1, condition: /^(?!Property failed)/ } : 0,
    // Two for each of two cores: tests wait for databases and processes.
    maxWorkers: 4,
    sequence: { sequencer: LongFirst },
  },
});
