import { expect, test } from 'vitest';
import { ContainerRuntime } from '../sandbox/runtime/container.runtime.js';
import { measureTerminal } from './terminal.bench.js';

const EXTENT = { keystrokes: 20, lines: 20_000, outputs: 2, debugs: 2 };

test('measures a terminal straight to the cluster', async ({ skip }) => {
  const runtime = await ContainerRuntime.create();
  const { isolation, isolationNote } = runtime;
  await runtime.close();
  skip(isolation === 'none', isolationNote);
  const { measures, facts } = await measureTerminal(EXTENT, {
    signal: new AbortController().signal,
    say: () => undefined,
  });
  expect(measures).toMatchObject({
    directEcho: { unit: 'ms', count: 20 },
    directOutput: { unit: 'MB/s', count: 2 },
    directTerminalOutput: { unit: 'MB/s', count: 2 },
    kubectlDebug: { unit: 'ms', count: 2 },
  });
  // `seq 1 20000`: 9 of two bytes, 90 of three, 900 of four, 9000 of five, 10001 of six.
  expect(facts['outputBytes']).toBe(18 + 270 + 3_600 + 45_000 + 60_006);
});

test('ends when it is interrupted', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(measureTerminal(EXTENT, { signal, say: () => undefined })).rejects.toThrow(
    'interrupted',
  );
});
