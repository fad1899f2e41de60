import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { thisMachine } from '../runtime/shells.js';
import { startCluster } from './stand-in.cluster.js';
import type { StandInCluster } from './stand-in.cluster.js';

let cluster: StandInCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

/** The port that a Pod's application says it listens on. */
async function portOf(name: string): Promise<number> {
  const pod = await cluster.untilPod('default', name, (it) => it?.status.phase === 'Running');
  const process = pod && cluster.parts.kubelet.latest(pod, 'app');
  for await (const { bytes } of process?.followLog(AbortSignal.timeout(20_000)) ?? []) {
    return Number(/\d+/.exec(bytes.toString())?.[0]);
  }
  throw new Error('it said nothing');
}

describe('the image that listens', () => {
  it('takes another port where its own is taken, and greets by the name of its Pod', async ({
    skip,
  }) => {
    skip(thisMachine.find('perl') === undefined, 'This machine has no perl, which it is made of.');
    const image = 'docker.io/library/web:1';
    cluster.addPod({ name: 'first', image, command: ['/bin/web', 'http', '0'] });
    const first = await portOf('first');
    cluster.addPod({ name: 'second', image, command: ['/bin/web', 'http', `${first}`] });
    const second = await portOf('second');
    expect(second).not.toBe(first);
    const greeting = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).text();
    expect(await greeting(first)).toBe('Hello from first.\n');
    expect(await greeting(second)).toBe('Hello from second.\n');
  });
});
