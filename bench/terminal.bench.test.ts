import { expect, test } from 'vitest';
import { ContainerRuntime } from '../sandbox/runtime/container.runtime.js';
import { measureTerminal } from './terminal.bench.js';

const EXTENT = {
  keystrokes: 20,
  lines: 20_000,
  outputs: 2,
  prompts: 2,
  terminals: [2, 4],
  watchMs: 1_000,
  // Nothing is measured here that what goes on beside could spoil.
  quietLooks: 1,
};

test('measures a terminal through the broker beside one straight to the cluster', async ({
  skip,
}) => {
  const runtime = await ContainerRuntime.create();
  const { isolation, isolationNote } = runtime;
  await runtime.close();
  skip(isolation === 'none', isolationNote);
  const { measures, ratios, facts } = await measureTerminal(EXTENT, {
    signal: new AbortController().signal,
    say: () => undefined,
  });
  expect(measures).toMatchObject({
    directEcho: { unit: 'ms', count: 20 },
    echo: { unit: 'ms', count: 20 },
    directOutput: { unit: 'MB/s', count: 2 },
    output: { unit: 'MB/s', count: 2 },
    terminalOutput: { unit: 'MB/s', count: 2 },
    kubectlDebug: { unit: 'ms', count: 2 },
    grantedToPrompt: { unit: 'ms', count: 2 },
    heap4: { unit: 'kB', count: 4 },
    echoed4: { unit: '%', value: 100 },
  });
  expect(ratios).toHaveProperty('outputToDirect');
  // `seq 1 20000`: 9 of two bytes, 90 of three, 900 of four, 9000 of five, 10001 of six.
  expect(facts['outputBytes']).toBe(18 + 270 + 3_600 + 45_000 + 60_006);
}, 120_000);

test('ends when it is interrupted', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(measureTerminal(EXTENT, { signal, say: () => undefined })).rejects.toThrow(
    'interrupted',
  );
});
