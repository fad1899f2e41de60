import { expect, test } from 'vitest';
import { ContainerRuntime } from '../sandbox/runtime/container.runtime.js';
import { measureSlack } from './slack.bench.js';

const EXTENT = { warmUp: 1, commands: 4, slowCommands: 3, slowMs: 300, consents: 2 };

test('measures how soon a modal opens and a consent starts a container, beside what is straight', async ({
  skip,
}) => {
  const runtime = await ContainerRuntime.create();
  const { isolation, isolationNote } = runtime;
  await runtime.close();
  skip(isolation === 'none', isolationNote);
  const { measures, ratios } = await measureSlack(EXTENT, {
    signal: new AbortController().signal,
    say: () => undefined,
  });
  expect(measures).toMatchObject({
    trip: { unit: 'ms', count: 4 },
    commandToModal: { unit: 'ms', count: 4 },
    commandToForm: { unit: 'ms', count: 4 },
    commandToModalSlow: { unit: 'ms', count: 3 },
    commandToModalStopped: { unit: 'ms', count: 3 },
    askedToMessage: { unit: 'ms', count: 4 },
    slackToPatch: { unit: 'ms', count: 2 },
    restToPatch: { unit: 'ms', count: 2 },
  });
  for (const { value } of Object.values(ratios)) expect(value).toBeGreaterThan(0);
}, 120_000);

test('ends when it is interrupted', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(measureSlack(EXTENT, { signal, say: () => undefined })).rejects.toThrow(
    'interrupted',
  );
});
