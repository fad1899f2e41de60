import { afterAll, beforeEach } from 'vitest';
import { ContainerRuntime } from '../../sandbox/runtime/container.runtime.js';

/**
 * Importing this skips every test of the file where the machine cannot give debug containers namespaces of their own,
 * and says why: a timer must never run among the machine's own processes.
 */
const runtime = await ContainerRuntime.create();
const { isolation, isolationNote } = runtime;
await runtime.close();

beforeEach(({ skip }) => {
  skip(isolation === 'none', isolationNote);
});

afterAll(() => {
  if (isolation === 'none') console.info(`skipped: ${isolationNote}`);
});
