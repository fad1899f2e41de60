import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Pin, PodChoice, Target, WorkloadKind } from '../../src/domain/session/session.js';
import { tookMs } from '../support/own.time.js';
import { BrokerLab, CLUSTER, NAMESPACE, usable } from './broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterEach(() => lab.cluster.faults.clear());
afterAll(() => lab.close());

const resolve = async (
  target: Target,
  over: { namespace?: string; container?: string } = {},
): Promise<Pin | Problem> => {
  const found = usable(
    await lab.clusters.resolve({
      cluster: CLUSTER,
      namespace: NAMESPACE,
      target,
      ...over,
    }),
  );
  return isProblem(found) ? found : found.pin;
};
const pod = (name: string): Target => ({ kind: 'pod', name });
const workload = (
  kind: WorkloadKind,
  name: string,
  pick: PodChoice = 'unhealthy-first',
): Target => ({
  kind: 'workload',
  workload: kind,
  name,
  pick,
});

async function untilRunning(count: number, label: string): Promise<string[]> {
  const own = () =>
    lab.cluster
      .pods(NAMESPACE)
      .filter((it) => it.metadata.labels?.['app'] === label && isReady(it.status));
  await lab.cluster.untilPod(NAMESPACE, label, () => own().length === count);
  return own().map(({ metadata }) => metadata.name);
}

function isReady({
  conditions,
}: {
  conditions?: { type: string; status: string }[] | undefined;
}): boolean {
  return (conditions ?? []).some((it) => it.type === 'Ready' && it.status === 'True');
}

function template(name: string) {
  return {
    metadata: { labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'app', image: 'docker.io/library/app:1', imagePullPolicy: 'IfNotPresent' },
      ],
    },
  };
}

describe('a target that is a Pod', () => {
  it('is pinned by uid and node', async () => {
    const { pin } = await lab.place();
    expect(pin.nodeName).toBe('n1');
    expect(await resolve(pod(pin.podName))).toEqual(pin);
    expect(await resolve(pod(pin.podName), { container: 'app' })).toEqual(pin);
  });

  it('that is not there is refused in the same words as one that may not be touched', async () => {
    const name = uniqueName('web');
    lab.cluster.addPod({ namespace: 'other', name });
    const missing = await resolve(pod('absent'));
    const forbidden = await resolve(pod(name), { namespace: 'other' });
    expect(missing).toMatchObject({ problem: 'target-not-found' });
    const wordsOf = (answer: object, ...names: string[]) =>
      names.reduce((text, it) => text.replaceAll(it, '_'), JSON.stringify(answer));
    expect(wordsOf(forbidden, name, '"other\\"')).toBe(wordsOf(missing, 'absent', '"shop\\"'));
    expect(lab.cluster.requests.find({ path: /namespaces\/other\// })).toEqual([]);
  });

  it('in a cluster that is not configured is not found', async () => {
    const answer = usable(
      await lab.clusters.resolve({
        cluster: 'nowhere',
        namespace: NAMESPACE,
        target: pod('web'),
      }),
    );
    expect(answer).toMatchObject({ problem: 'target-not-found' });
  });

  it('that has finished is refused', async () => {
    const name = uniqueName('done');
    lab.cluster.addPod({
      namespace: NAMESPACE,
      name,
      image: 'docker.io/library/busybox:1',
      command: ['/bin/true'],
      spec: { restartPolicy: 'Never' },
    });
    await lab.cluster.untilPod(NAMESPACE, name, (it) => it?.status.phase === 'Succeeded');
    expect(await resolve(pod(name))).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringContaining('finished'),
    });
  });

  it('that is on no node is refused', async () => {
    const name = uniqueName('pending');
    lab.cluster.addPod({ namespace: NAMESPACE, name, spec: { nodeSelector: { nowhere: 'x' } } });
    expect(await resolve(pod(name))).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringContaining('on no node yet'),
    });
  });

  it('that is being deleted is refused', async () => {
    const { pin } = await lab.place({
      command: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
      image: 'docker.io/library/busybox:1',
      spec: { terminationGracePeriodSeconds: 30 },
    });
    lab.cluster.deletePod(NAMESPACE, pin.podName);
    expect(await resolve(pod(pin.podName))).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringContaining('being deleted'),
    });
    lab.cluster.deletePod(NAMESPACE, pin.podName, 0);
  });

  it('that is static, or for Windows, is refused', async () => {
    const mirror = uniqueName('mirror');
    lab.cluster.addPod({
      namespace: NAMESPACE,
      name: mirror,
      annotations: { 'kubernetes.io/config.mirror': 'hash' },
      spec: { nodeName: 'n1' },
    });
    expect(await resolve(pod(mirror))).toMatchObject({
      detail: expect.stringContaining('static Pod'),
    });
    lab.cluster.addNode({ name: 'w1', os: 'windows' });
    const windows = uniqueName('windows');
    lab.cluster.addPod({
      namespace: NAMESPACE,
      name: windows,
      spec: { nodeName: 'w1', os: { name: 'windows' } },
    });
    expect(await resolve(pod(windows))).toMatchObject({
      detail: expect.stringContaining('Windows'),
    });
  });

  it('without the container that is asked for is refused, and says what there is', async () => {
    const { pin } = await lab.place();
    expect(await resolve(pod(pin.podName), { container: 'appp' })).toMatchObject({
      problem: 'container-not-found',
      detail: expect.stringMatching(/Did you mean "app"\? There is: app\./),
    });
  });
});

describe('a target that is a workload', () => {
  it('of a Deployment is one of its own Pods, whatever else has its labels', async () => {
    const name = uniqueName('checkout');
    lab.cluster.addDeployment({ namespace: NAMESPACE, name, replicas: 2 });
    const own = await untilRunning(2, name);
    lab.cluster.addPod({ namespace: NAMESPACE, name: `a-${name}`, labels: { app: name } });
    await untilRunning(3, name);
    const pin = await resolve(workload('Deployment', name));
    expect(own).toContain('podName' in pin ? pin.podName : pin.detail);
  });

  it('"unhealthy-first" is the Pod that is not ready, "any-ready" never is', async () => {
    const name = uniqueName('checkout');
    lab.cluster.addDeployment({ namespace: NAMESPACE, name, replicas: 3 });
    const [sick = '', ...others] = (await untilRunning(3, name)).sort().reverse();
    lab.cluster.setReady(NAMESPACE, sick, false);
    await lab.cluster.untilPod(NAMESPACE, sick, (it) => it !== undefined && !isReady(it.status));
    expect(await resolve(workload('Deployment', name))).toMatchObject({ podName: sick });
    const ready = await resolve(workload('Deployment', name, 'any-ready'));
    expect(others).toContain('podName' in ready ? ready.podName : ready.detail);
  });

  it('without a ready Pod has none to give to "any-ready"', async () => {
    const name = uniqueName('checkout');
    lab.cluster.addDeployment({ namespace: NAMESPACE, name });
    const [only = ''] = await untilRunning(1, name);
    lab.cluster.setReady(NAMESPACE, only, false);
    await lab.cluster.untilPod(NAMESPACE, only, (it) => it !== undefined && !isReady(it.status));
    expect(await resolve(workload('Deployment', name, 'any-ready'))).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringContaining('unhealthy-first'),
    });
  });

  it('scaled to nothing says so', async () => {
    const name = uniqueName('idle');
    lab.cluster.addDeployment({ namespace: NAMESPACE, name, replicas: 0 });
    expect(await resolve(workload('Deployment', name))).toMatchObject({
      problem: 'target-not-debuggable',
      detail: expect.stringContaining('has no Pods now'),
    });
  });

  it.each<[WorkloadKind, string, object]>([
    [
      'StatefulSet',
      '/apis/apps/v1/namespaces/shop/statefulsets',
      { serviceName: 'x', replicas: 1 },
    ],
    ['DaemonSet', '/apis/apps/v1/namespaces/shop/daemonsets', {}],
    ['Job', '/apis/batch/v1/namespaces/shop/jobs', { manualSelector: true }],
  ])('of a %s is one of its Pods', async (kind, path, spec) => {
    const name = uniqueName(kind.toLowerCase());
    const made = template(name);
    await lab.create(path, {
      kind,
      apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
      metadata: { name },
      spec: {
        ...spec,
        selector: { matchLabels: { app: name } },
        template:
          kind === 'Job' ? { ...made, spec: { ...made.spec, restartPolicy: 'Never' } } : made,
      },
    });
    const [only = ''] = await untilRunning(1, name);
    expect(await resolve(workload(kind, name), { container: 'app' })).toMatchObject({
      podName: only,
    });
  });

  it.each<WorkloadKind>(['Deployment', 'StatefulSet', 'DaemonSet', 'Job'])(
    'that is no %s of that name is not found',
    async (kind) => {
      expect(await resolve(workload(kind, 'absent'))).toMatchObject({
        problem: 'target-not-found',
        detail: expect.stringContaining(`${kind} "absent"`),
      });
    },
  );
});

describe('a cluster in trouble', () => {
  it('that is busy is waited for a moment, as long as it asks', async () => {
    const { pin } = await lab.place();
    const fault = lab.cluster.faults.add({
      match: { method: 'GET', path: /\/pods\//, times: 1 },
      effect: { kind: 'refuse', status: 429, retryAfterSeconds: 1 },
    });
    const began = performance.now();
    expect(await resolve(pod(pin.podName))).toEqual(pin);
    expect(fault.hits).toBe(1);
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  it('that stays busy is told to the caller, with when to come back', async () => {
    lab.cluster.faults.add({
      match: { method: 'GET' },
      effect: { kind: 'refuse', status: 429, retryAfterSeconds: 30 },
    });
    expect(await resolve(pod('web'))).toMatchObject({
      problem: 'cluster-unavailable',
      retryAfterSeconds: 30,
      detail: expect.stringContaining('prod-eu'),
    });
  });

  it.each([500, 503])('that answers %i once is asked again', async (status) => {
    const { pin } = await lab.place();
    lab.cluster.faults.add({
      match: { method: 'GET', times: 1 },
      effect: { kind: 'refuse', status },
    });
    expect(await resolve(pod(pin.podName))).toEqual(pin);
  });

  it('that cuts a connection is asked again', async () => {
    const { pin } = await lab.place();
    lab.cluster.faults.add({
      match: { method: 'GET', times: 2 },
      effect: { kind: 'drop', when: 'before' },
    });
    expect(await resolve(pod(pin.podName))).toEqual(pin);
  });

  it('that does not answer is unavailable within the time limit', async () => {
    const broker = lab.broker({}, { attemptMs: 150, callMs: 400 });
    lab.cluster.faults.add({
      match: { method: 'GET' },
      effect: { kind: 'delay', delayMs: 60_000 },
    });
    const asking = async () => {
      const wish = { cluster: CLUSTER, namespace: NAMESPACE, target: pod('web') };
      expect(usable(await broker.resolve(wish))).toMatchObject({
        problem: 'cluster-unavailable',
        detail: expect.stringContaining('prod-eu'),
      });
    };
    expect(await tookMs(asking)).toBeLessThan(2_000);
  });

  it('is spoken to over few connections, however many calls there are', async () => {
    const { pin } = await lab.place();
    // What one call asks at once opens as many connections as that.
    await Promise.all([1, 2, 3].map(() => resolve(pod(pin.podName))));
    const before = lab.cluster.connections.made;
    for (let call = 0; call < 50; call++) await resolve(pod(pin.podName));
    expect(lab.cluster.connections.made - before).toBeLessThanOrEqual(2);
  });
});

describe('what there is to be debugged in a namespace', () => {
  it('is its Pods that can take a debug container, each with its workload', async () => {
    const { pin } = await lab.place();
    const waiting = uniqueName('pending');
    lab.cluster.addPod({
      namespace: NAMESPACE,
      name: waiting,
      spec: { nodeSelector: { nowhere: 'x' } },
    });
    const found = await lab.clusters.targets({ cluster: CLUSTER, namespace: NAMESPACE });
    if (isProblem(found)) throw new Error(found.detail);
    const names = found.pods.map((it) => it.pod);
    expect(names).toContain(pin.podName);
    expect(names).not.toContain(waiting);
    expect(found.pods.find((it) => it.pod === pin.podName)?.owner.kind).toBe('Pod');
  });

  it('is not told of one that may not be touched, and the cluster is not asked', async () => {
    const found = await lab.clusters.targets({ cluster: CLUSTER, namespace: 'other' });
    expect(found).toMatchObject({ problem: 'target-not-found' });
    expect(lab.cluster.requests.find({ path: /namespaces\/other\// })).toEqual([]);
  });
});
