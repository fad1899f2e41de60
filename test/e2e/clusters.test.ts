import '../support/needs.containers.js';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { brokerKubeconfig } from '../../sandbox/broker/broker.account.js';
import { CLUSTER_NAME } from '../../sandbox/broker/broker.config.js';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import { startCluster, uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { ASKING_MAX } from '../../src/adapters/kubernetes/asking.lane.js';
import type { Broker } from '../../src/broker.js';
import { ClusterList } from '../../src/contract/cluster.schema.js';
import { BrokerLab } from '../support/broker.lab.js';
import { tookMs } from '../support/own.time.js';
import { ShutGate } from '../support/shut.gate.js';

const FAR = 'far';
const NAMESPACE = 'staging';
/** Fewer than the sessions in the cluster that hangs: without workers of their own the others would wait for them. */
const WORKERS = 2;
const SOON = { timeout: 20_000, interval: 50 };
// Nearly all of it is waiting: for a call to time out, twice for a probe, and for the next look.
vi.setConfig({ testTimeout: 90_000 });

let lab: BrokerLab;
let far: StandInCluster;
let gate: ShutGate;
let broker: Broker;
let robin: ApiClient;
beforeAll(async () => {
  [lab, far] = await Promise.all([BrokerLab.start(), startCluster()]);
  far.images.add('hallpass.sandbox/busybox:1', { command: ['sh'], shell: 'busybox' });
  far.addNamespace(NAMESPACE);
  gate = await ShutGate.before(far.url);
  const kubeconfig = join(lab.sandbox.folder, 'far.kubeconfig');
  const text = brokerKubeconfig(far, [NAMESPACE]).replace(far.url, gate.url);
  await writeFile(kubeconfig, text, { mode: 0o600 });
  broker = await lab.broker({
    surroundings: {
      otherClusters: [{ name: FAR, kubeconfig, namespaces: [NAMESPACE] }],
      sessions: { workers: WORKERS },
    },
  });
  robin = await lab.as('requester', broker);
});
afterAll(async () => {
  gate.thaw();
  await lab[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
  await far.close();
});

/** A Pod that runs, and what somebody wishes to do in it. */
async function wish(cluster: string, durationSeconds: number) {
  const pod = uniqueName('web');
  const image = 'docker.io/library/busybox:1';
  const where = cluster === FAR ? far : lab.sandbox.cluster;
  where.addPod({ namespace: NAMESPACE, name: pod, image, command: ['sleep', '3600'] });
  await where.untilPod(NAMESPACE, pod, (it) => it?.status.phase === 'Running');
  const reason = 'one cluster is not another';
  const target = { pod };
  return { cluster, namespace: NAMESPACE, target, profile: 'shell', reason, durationSeconds };
}

async function started(cluster: string, durationSeconds: number) {
  const asked = await wish(cluster, durationSeconds);
  const { id } = await robin.ask(asked);
  await robin.until(id, ['active']);
  return { id, pod: asked.target.pod };
}

/** How long a session takes from asking to its end, at the middle of several, one after the other. */
async function storyMs(turns = 3): Promise<number> {
  const took: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const asked = await wish(CLUSTER_NAME, 60);
    const story = async () => {
      const { id } = await robin.ask(asked);
      await robin.until(id, ['active']);
      await robin.act(id, 'end');
      await robin.until(id, ['ended']);
    };
    took.push(await tookMs(story));
  }
  return took.sort((a, b) => a - b)[Math.floor(turns / 2)] ?? Infinity;
}

async function farHealth() {
  const { body } = await robin.call('GET', '/v1/clusters');
  return ClusterList.parse(body).items.find(({ name }) => name === FAR)?.health;
}

test('a cluster that hangs holds up no other, is shown as such, keeps its deadlines, and is made good when it is back', async () => {
  await storyMs(1);
  const usualMs = await storyMs();
  const long = await Promise.all([60, 60, 60].map((seconds) => started(FAR, seconds)));
  // The last: it must not be over before the cluster hangs.
  const short = await started(FAR, 3);
  gate.freeze();

  // At once, before anybody can know, and while all workers of that cluster wait for it.
  expect(await storyMs()).toBeLessThan(3 * usualMs + 500);
  await far.untilPod(NAMESPACE, short.pod, (pod) =>
    Boolean(pod?.status.ephemeralContainerStatuses?.[0]?.state.terminated),
  );
  await expect.poll(farHealth, SOON).toMatchObject({
    state: 'unreachable',
    why: 'It does not answer in time.',
    version: 'v1.36.2',
  });

  const body = await wish(FAR, 60);
  const asking = () => robin.call('POST', '/v1/sessions', { body });
  expect(await tookMs(asking)).toBeLessThan(1_000);
  const refused = await asking();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
  expect(refused.body).toMatchObject({
    type: 'urn:hallpass:problem:cluster-unreachable',
    detail: expect.stringContaining(`Cluster "${FAR}" does not answer in time`),
  });
  expect(await storyMs()).toBeLessThan(3 * usualMs + 500);

  const ready = await fetch(`${broker.managementUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    200,
    expect.stringContaining(`${FAR} does not answer in time`),
  ]);
  const metrics = await (await fetch(`${broker.managementUrl}/metrics`)).text();
  expect(metrics).toContain(`hallpass_cluster_up{cluster="${FAR}"} 0\n`);
  expect(metrics).toContain(`hallpass_cluster_up{cluster="${CLUSTER_NAME}"} 1\n`);

  // Nobody need be able to reach it to want a session there ended.
  const [first] = long;
  expect((await robin.call('POST', `/v1/sessions/${first?.id}/end`, { body: {} })).status).toBe(
    200,
  );
  expect(await robin.until(short.id, ['ending'])).toMatchObject({ endedAt: null });

  gate.thaw();
  expect(await robin.until(short.id, ['ended'])).toMatchObject({ endReason: 'deadline' });
  expect(await robin.until(first?.id ?? '', ['ended'])).toMatchObject({ endReason: 'left' });
  await expect.poll(farHealth, SOON).toMatchObject({ state: 'reachable', why: null });
  expect((await robin.call('POST', '/v1/sessions', { body })).status).toBe(201);
});

test('a cluster that answers slowly refuses to be asked too much, while its sessions end as ever', async () => {
  const { id } = await started(FAR, 60);
  const body = await wish(FAR, 60);
  far.faults.add({
    match: { method: 'GET', path: new RegExp(`/namespaces/${NAMESPACE}$`) },
    // Until it is taken away: longer than the broker waits for one answer.
    effect: { kind: 'delay', delayMs: 60_000 },
  });
  const refused: unknown[] = [];
  const asks = Array.from({ length: ASKING_MAX + 5 }, async (_, turn) => {
    const target = { pod: `none-${turn}` };
    const answer = await robin.call('POST', '/v1/sessions', { body: { ...body, target } });
    if (answer.status === 503) refused.push(answer.body);
    return answer.status;
  });
  await vi.waitFor(() => expect(refused).toHaveLength(5), { timeout: 10_000 });
  expect(refused[0]).toMatchObject({
    type: 'urn:hallpass:problem:cluster-unavailable',
    detail: expect.stringContaining(`Cluster "${FAR}" answers slowly`),
  });
  let answered = 0;
  for (const ask of asks) void ask.then((status) => (answered += status === 503 ? 0 : 1));
  await robin.act(id, 'end');
  expect(await robin.until(id, ['ended'])).toMatchObject({ endReason: 'left' });
  expect(answered).toBeLessThan(ASKING_MAX);
  far.faults.clear();
  expect(await Promise.all(asks)).toContain(422);
});
