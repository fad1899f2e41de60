import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerRuntime } from '../runtime/container.runtime.js';
import { allRecordings } from './recording.js';
import { admissionReplays } from './replay.admission.js';
import { httpReplays, type Replay } from './replay.http.js';
import { kubectlReplays } from './replay.kubectl.js';
import { Lab } from './replay.lab.js';
import { streamReplays } from './replay.streams.js';
import { watchReplays } from './replay.watches.js';
import { unclaimed } from './unclaimed.js';

const replays: Readonly<Record<string, Replay>> = {
  ...httpReplays,
  ...watchReplays,
  ...streamReplays,
  ...kubectlReplays,
  ...admissionReplays,
};

const { isolation, isolationNote } = await machine();
let shared: Lab;

describe.skipIf(isolation === 'none')('the stand-in answers as the real cluster did', () => {
  beforeAll(async () => {
    shared = await Lab.start(['web', 'done', 'pending', 'tight']);
  });
  afterAll(() => shared.close());

  it.each(Object.keys(replays).sort())('%s', (file) => replays[file]?.(file, shared));
});

afterAll(() => {
  const all = allRecordings().length;
  const not = Object.keys(unclaimed);
  const replayed = isolation === 'none' ? 0 : all - not.length;
  console.log(
    `${replayed} of ${all} recordings replayed; not claimed: ${not.join(', ') || 'none'}`,
  );
  if (isolation === 'none') console.log(`not replayed on this machine: ${isolationNote}`);
});

describe('the list of what is not claimed', () => {
  it('names recordings that exist, each with a reason', () => {
    const all = allRecordings();
    for (const [file, reason] of Object.entries(unclaimed)) {
      expect(all).toContain(file);
      expect(reason.length).toBeGreaterThan(20);
    }
  });

  it('and the replays together hold every recording once', () => {
    expect([...Object.keys(replays), ...Object.keys(unclaimed)].sort()).toEqual(allRecordings());
  });
});

async function machine(): Promise<ContainerRuntime> {
  const runtime = await ContainerRuntime.create();
  await runtime.close();
  return runtime;
}
