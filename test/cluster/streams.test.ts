import '../support/needs.containers.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isProblem } from '../../src/domain/problem.js';
import { tookMs } from '../support/own.time.js';
import { BrokerLab, NAMESPACE, debugContainer } from './broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterEach(() => {
  lab.cluster.faults.clear();
  lab.cluster.requests.clear();
});
afterAll(() => lab.close());

const missing = expect.objectContaining({ problem: 'cluster-refused' });

describe('a line to the main process', () => {
  it('reaches it, and ends a container that waits for one', async () => {
    const place = await lab.running(['/bin/sh', '-c', 'read x; exit 5']);
    expect(await lab.clusters.writeLine(place)).toBe('done');
    await lab.untilState(place, 'terminated');
    expect(await lab.clusters.observe(place)).toMatchObject({ kind: 'terminated', exitCode: 5 });
  });

  it('to a container that does not care takes a moment and no longer', async () => {
    const place = await lab.running(['/bin/sh', '-c', 'while :; do sleep 1; done']);
    const writing = async () => expect(await lab.clusters.writeLine(place)).toBe('done');
    expect(await tookMs(writing)).toBeLessThan(4_000);
  });

  it('to a container that has ended, or was never there, is a problem and no more', async () => {
    const place = await lab.running();
    await lab.clusters.writeLine(place);
    await lab.untilState(place, 'terminated');
    expect(await lab.clusters.writeLine(place)).toEqual(missing);
    const nowhere = { ...place, containerName: 'hallpass-absent' };
    expect(isProblem(await lab.clusters.writeLine(nowhere))).toBe(true);
  });
});

describe('a command in the container', () => {
  it.each([0, 3, 137])('gives its exit code %i', async (exitCode) => {
    const place = await lab.running();
    expect(
      await lab.clusters.run(place, ['/bin/sh', '-c', `echo out; echo err >&2; exit ${exitCode}`]),
    ).toEqual({
      exitCode,
    });
    await lab.clusters.writeLine(place);
  });

  it('gets its arguments as they are', async () => {
    const place = await lab.running();
    const odd = 'a b&c=d+%20"\'é\n;$(exit 9)';
    const check = ['/bin/sh', '-c', '[ "$1" = "$2" ] && [ $# -eq 3 ]', 'sh', odd, odd, ''];
    expect(await lab.clusters.run(place, check)).toEqual({ exitCode: 0 });
    await lab.clusters.writeLine(place);
  });

  it('that writes without end does not fill the broker', async () => {
    const place = await lab.running();
    const much = ['/bin/sh', '-c', 'head -c 30000000 /dev/zero; exit 4'];
    expect(await lab.clusters.run(place, much)).toEqual({ exitCode: 4 });
    await lab.clusters.writeLine(place);
  });

  it('that cannot be executed is a problem, with what Kubernetes says', async () => {
    const place = await lab.running();
    expect(await lab.clusters.run(place, ['/no/such'])).toMatchObject({
      problem: 'cluster-refused',
      detail: expect.stringContaining('/no/such'),
    });
    await lab.clusters.writeLine(place);
  });

  it('whose container ends meanwhile is a problem or a code, and soon', async () => {
    const place = await lab.running();
    const ending = async () => {
      const running = lab.clusters.run(place, ['/bin/sh', '-c', 'sleep 60']);
      await untilEntered();
      await lab.clusters.writeLine(place);
      expect(await running).not.toEqual({ exitCode: 0 });
    };
    expect(await tookMs(ending)).toBeLessThan(8_000);
  });

  it('in a container that has ended, or a Pod that is gone, is a problem and no more', async () => {
    const place = await lab.running();
    await lab.clusters.writeLine(place);
    await lab.untilState(place, 'terminated');
    expect(await lab.clusters.run(place, ['/bin/true'])).toEqual(missing);
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
    expect(await lab.clusters.run(place, ['/bin/true'])).toMatchObject({
      problem: 'target-not-found',
    });
  });

  it('whose connection is cut is a problem, and soon', async () => {
    const place = await lab.running();
    const running = lab.clusters.run(place, ['/bin/sh', '-c', 'sleep 60']);
    await untilEntered();
    lab.cluster.dropConnections();
    expect(await running).toEqual(missing);
    await lab.clusters.writeLine(place);
  });

  it('on a cluster that cannot be reached is unavailable', async () => {
    const place = await lab.running();
    lab.cluster.faults.add({ match: { path: /exec/ }, effect: { kind: 'drop', when: 'before' } });
    expect(await lab.clusters.run(place, ['/bin/true'])).toMatchObject({
      problem: 'cluster-unavailable',
    });
    await lab.clusters.writeLine(place);
  });
});

describe('the eviction of a Pod', () => {
  it('is refused without the right to it, which deploy/rbac-evict.yaml gives', async () => {
    const place = await lab.running();
    expect(await lab.clusters.evict(place)).toMatchObject({ problem: 'cluster-unauthorized' });
    await lab.apply('rbac-evict.yaml');
    expect(await lab.clusters.evict(place)).toBe('done');
    await lab.cluster.untilPod(NAMESPACE, place.pin.podName, (pod) => pod === undefined);
    expect(await lab.clusters.evict(place)).toBe('done');
  });

  it('never touches another Pod made under the same name', async () => {
    const place = await lab.place();
    lab.cluster.deletePod(NAMESPACE, place.pin.podName, 0);
    const other = await lab.place({ name: place.pin.podName });
    expect(await lab.clusters.evict(place)).toBe('done');
    expect(lab.cluster.pod(NAMESPACE, other.pin.podName)?.metadata.uid).toBe(other.pin.podUid);
    expect(
      lab.cluster.pod(NAMESPACE, other.pin.podName)?.metadata.deletionTimestamp,
    ).toBeUndefined();
  });

  it('that a disruption budget forbids says when to try again', async () => {
    const place = await lab.place({ labels: { app: 'guarded' } });
    await lab.create('/apis/policy/v1/namespaces/shop/poddisruptionbudgets', {
      kind: 'PodDisruptionBudget',
      apiVersion: 'policy/v1',
      metadata: { name: 'guarded' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
    });
    const answer = await lab.clusters.evict(place);
    expect(answer).toMatchObject({
      problem: 'too-many-requests',
      retryAfterSeconds: expect.any(Number),
    });
    expect(
      lab.cluster.pod(NAMESPACE, place.pin.podName)?.metadata.deletionTimestamp,
    ).toBeUndefined();
  });
});

it('a place whose cluster left the configuration is a problem for every call', async () => {
  const place = { ...(await lab.place()), cluster: 'gone' };
  const gone = expect.objectContaining({ problem: 'cluster-unavailable' });
  expect(await lab.clusters.observe(place)).toEqual(gone);
  expect(await lab.clusters.writeLine(place)).toEqual(gone);
  expect(await lab.clusters.run(place, ['/bin/true'])).toEqual(gone);
  expect(await lab.clusters.evict(place)).toEqual(gone);
  expect(await lab.clusters.add(place, debugContainer(place))).toEqual({
    refused: gone,
    definite: true,
  });
});

async function untilEntered(): Promise<void> {
  await expect
    .poll(() => lab.cluster.requests.find({ path: /\/exec\?.*sleep/, status: 101 }).length)
    .toBeGreaterThan(0);
}
