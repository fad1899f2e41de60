import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from './raw.client.js';
import { startCluster } from './stand-in.cluster.js';
import type { StandInCluster } from './stand-in.cluster.js';

let cluster: StandInCluster;
beforeAll(async () => {
  // Each slower than any exec here, on a busy machine as well: real statuses came 60 to 900 ms late.
  cluster = await startCluster({ timings: { runningMs: 4_000, syncMs: 1_000 } });
  cluster.addNamespace('lab');
  cluster.addPod({ namespace: 'lab', name: 'web' });
  await cluster.untilPod('lab', 'web', (pod) => pod?.status.phase === 'Running');
});
afterAll(() => cluster.close());

/** What the Pod's status says of the container. */
function stateOf(name: string): string {
  const statuses = cluster.pod('lab', 'web')?.status.ephemeralContainerStatuses ?? [];
  return Object.keys(statuses.find((status) => status.name === name)?.state ?? {}).join();
}

describe('an exec into a container that is starting', () => {
  it('is refused as absent at first, then succeeds before the status says running', async ({
    skip,
  }) => {
    skip(cluster.runtime.isolation === 'none', cluster.runtime.isolationNote);
    const client = new RawClient(cluster.url, cluster.caPem);
    const token = cluster.tokens.admin;
    const image = 'docker.io/library/busybox:1';
    const container = { name: 'early', image, command: ['sleep', '600'] };
    const pod = '/api/v1/namespaces/lab/pods/web';
    await client.send({
      method: 'PATCH',
      path: `${pod}/ephemeralcontainers`,
      contentType: 'application/strategic-merge-patch+json',
      token,
      body: { spec: { ephemeralContainers: [container] } },
    });
    const exec = () =>
      client.stream({
        path: `${pod}/exec?container=early&stdout=true&command=echo&command=in`,
        token,
        protocols: ['v5.channel.k8s.io'],
      });
    const refusals = new Set<unknown>();
    let trial = await exec();
    for (; trial.response !== undefined; trial = await exec()) refusals.add(trial.response.body);
    expect([...refusals]).toEqual(['container not found ("early")']);
    const said = trial.frames.filter(({ channel }) => channel === 1).map(({ text }) => text);
    expect(said.join('')).toBe('in\n');
    expect(stateOf('early')).toBe('waiting');
    await cluster.untilPod('lab', 'web', () => stateOf('early') === 'running');
  });
});
