import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from './pod.schema.js';
import { Lab, untilSpoken } from './replay.lab.js';
import { matchesSelector } from './selectors.js';
import { uniqueName } from './stand-in.cluster.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start([]);
});
afterAll(() => lab.close());

const template = (app: string, command?: string[]) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'app',
        image: command ? 'docker.io/library/busybox:1' : 'docker.io/library/app:1',
        ...(command ? { command } : {}),
      },
    ],
  },
});

async function create(path: string, body: unknown) {
  const answer = await lab.client.send({
    method: 'POST',
    path,
    contentType: 'application/json',
    token: lab.token('admin'),
    body,
  });
  expect(answer.status).toBe(201);
}

const podsOf = (app: string) =>
  lab.cluster.pods('lab').filter((pod) => pod.metadata.labels?.['app'] === app);
const untilPods = (app: string, holds: (count: number) => boolean) =>
  lab.cluster.untilPod('lab', app, () =>
    holds(podsOf(app).filter((pod) => pod.status.phase === 'Running').length),
  );

describe('workloads', () => {
  it('a StatefulSet makes its Pods one after the other, with its own names', async () => {
    const app = uniqueName('db');
    await create('/apis/apps/v1/namespaces/lab/statefulsets', {
      metadata: { name: app },
      spec: { replicas: 2, selector: { matchLabels: { app } }, template: template(app) },
    });
    await untilPods(app, (count) => count === 2);
    expect(podsOf(app).map((pod) => pod.metadata.name)).toEqual([`${app}-0`, `${app}-1`]);
    expect(podsOf(app)[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet' }]);
  });

  it('a DaemonSet has one Pod a node', async () => {
    const app = uniqueName('agent');
    await create('/apis/apps/v1/namespaces/lab/daemonsets', {
      metadata: { name: app },
      spec: { selector: { matchLabels: { app } }, template: template(app) },
    });
    await untilPods(app, (count) => count === 1);
  });

  it('a Job runs its Pod to the end and is complete', async () => {
    const app = uniqueName('job');
    const { metadata, spec } = template(app, ['/bin/true']);
    await create('/apis/batch/v1/namespaces/lab/jobs', {
      metadata: { name: app },
      spec: { template: { metadata, spec: { ...spec, restartPolicy: 'Never' } } },
    });
    const done = () => podsOf(app)[0]?.status.phase === 'Succeeded';
    await lab.cluster.untilPod('lab', app, done);
    const read = async () =>
      (
        await lab.client.send({
          method: 'GET',
          path: `/apis/batch/v1/namespaces/lab/jobs/${app}`,
          token: lab.token('admin'),
        })
      ).body;
    await expect
      .poll(read)
      .toMatchObject({ status: { succeeded: 1, conditions: [{ type: 'Complete' }] } });
    expect(podsOf(app)[0]?.metadata.labels).toMatchObject({ 'batch.kubernetes.io/job-name': app });
  });

  it('a Job gets a selector that is met by its own Pods and by no others', async () => {
    const apps = [uniqueName('job'), uniqueName('job')];
    for (const app of apps) {
      const { metadata, spec } = template('shared', ['/bin/true']);
      await create('/apis/batch/v1/namespaces/lab/jobs', {
        metadata: { name: app },
        spec: { template: { metadata, spec: { ...spec, restartPolicy: 'Never' } } },
      });
    }
    for (const app of apps) {
      const job = lab.cluster.parts.store.get('jobs', 'lab', app);
      const label = 'batch.kubernetes.io/controller-uid';
      expect(job?.spec.selector).toEqual({ matchLabels: { [label]: job?.metadata.uid } });
      await expect
        .poll(() =>
          lab.cluster
            .pods('lab')
            .filter((pod) => matchesSelector(job?.spec.selector, pod.metadata.labels))
            .map((pod) => pod.metadata.ownerReferences?.[0]?.name),
        )
        .toEqual([app]);
    }
  });

  it('a Job that brings a selector of its own has to say that it means to', async () => {
    const app = uniqueName('job');
    const { metadata, spec } = template(app, ['/bin/true']);
    const job = (more: object) => ({
      method: 'POST',
      path: '/apis/batch/v1/namespaces/lab/jobs',
      contentType: 'application/json',
      token: lab.token('admin'),
      body: {
        metadata: { name: app },
        spec: {
          selector: { matchLabels: { app } },
          template: { metadata, spec: { ...spec, restartPolicy: 'Never' } },
          ...more,
        },
      },
    });
    expect((await lab.client.send(job({}))).status).toBe(501);
    expect((await lab.client.send(job({ manualSelector: true }))).status).toBe(201);
    expect(lab.cluster.parts.store.get('jobs', 'lab', app)?.spec.selector).toEqual({
      matchLabels: { app },
    });
  });

  it('a deleted Pod of a Deployment is replaced by another', async () => {
    const app = uniqueName('shop');
    lab.cluster.addDeployment({ namespace: 'lab', name: app });
    await untilPods(app, (count) => count === 1);
    const first = podsOf(app)[0]?.metadata;
    lab.cluster.deletePod('lab', first?.name ?? '');
    await lab.cluster.untilPod('lab', app, () => {
      const now = podsOf(app);
      return (
        now.length === 1 &&
        now[0]?.metadata.uid !== first?.uid &&
        now[0]?.status.phase === 'Running'
      );
    });
  });

  it('a Pod can be made to fail its readiness, and to pass it again', async () => {
    const name = uniqueName('sick');
    lab.cluster.addPod({ namespace: 'lab', name });
    const isReady = (ready: boolean) =>
      lab.cluster.untilPod(
        'lab',
        name,
        (pod) => pod?.status.containerStatuses?.[0]?.ready === ready,
      );
    await isReady(true);
    lab.cluster.setReady('lab', name, false);
    await isReady(false);
    lab.cluster.setReady('lab', name, true);
    await isReady(true);
  });
});

describe('eviction', () => {
  const evict = (name: string) =>
    lab.client.send({
      method: 'POST',
      path: `/api/v1/namespaces/lab/pods/${name}/eviction`,
      contentType: 'application/json',
      token: lab.token('admin'),
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
    });

  it('is refused with 429 while a disruption budget needs the Pod, and done when it does not', async () => {
    const app = uniqueName('guarded');
    lab.cluster.addDeployment({ namespace: 'lab', name: app });
    await untilPods(app, (count) => count === 1);
    const budgets = '/apis/policy/v1/namespaces/lab/poddisruptionbudgets';
    await create(budgets, {
      metadata: { name: app },
      spec: { minAvailable: 1, selector: { matchLabels: { app } } },
    });
    const pod = podsOf(app)[0]?.metadata.name ?? '';
    const message = `The disruption budget ${app} needs 1 healthy pods and has 1 currently`;
    await expect
      .poll(() => evict(pod))
      .toMatchObject({
        status: 429,
        body: {
          reason: 'TooManyRequests',
          details: { causes: [{ reason: 'DisruptionBudget', message }] },
        },
      });
    await lab.client.send({
      method: 'DELETE',
      path: `${budgets}/${app}`,
      token: lab.token('admin'),
    });
    expect((await evict(pod)).status).toBe(201);
    await lab.cluster.untilPod('lab', pod, (p) => p === undefined);
  });
});

describe('the kubelet', () => {
  it('ends the ephemeral containers of a Pod whose last app container has finished', async () => {
    const name = uniqueName('brief');
    const untilTerm = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done';
    const command = ['sh', '-c', untilTerm];
    const image = 'docker.io/library/busybox:1';
    lab.cluster.addPod({
      namespace: 'lab',
      name,
      image,
      command,
      spec: { restartPolicy: 'Never' },
    });
    await lab.cluster.untilPod('lab', name, (pod) => pod?.status.phase === 'Running');
    await lab.client.send({
      method: 'PATCH',
      path: `/api/v1/namespaces/lab/pods/${name}/ephemeralcontainers`,
      contentType: 'application/strategic-merge-patch+json',
      token: lab.token(),
      body: { spec: { ephemeralContainers: [lab.busybox('dbg', command)] } },
    });
    const ephemeral = (pod: Pod | undefined) => pod?.status.ephemeralContainerStatuses?.[0]?.state;
    const pod = await lab.cluster.untilPod(
      'lab',
      name,
      (it) => ephemeral(it)?.running !== undefined,
    );
    const process = (container: string) => pod && lab.cluster.parts.kubelet.process(pod, container);
    for (const container of ['app', 'dbg']) await untilSpoken(process(container));
    await process('app')?.stop(30);
    const over = await lab.cluster.untilPod(
      'lab',
      name,
      (it) => it?.status.phase === 'Succeeded' && ephemeral(it)?.terminated !== undefined,
    );
    expect(ephemeral(over)?.terminated?.exitCode).toBe(0);
  });

  it('restarts an app container that ends, with back-off', async () => {
    const name = uniqueName('crash');
    lab.cluster.addPod({
      namespace: 'lab',
      name,
      image: 'docker.io/library/busybox:1',
      command: ['sh', '-c', 'exit 1'],
    });
    const pod = await lab.cluster.untilPod(
      'lab',
      name,
      (p) => p?.status.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff',
    );
    expect(pod?.status.phase).toBe('Running');
    expect(pod?.status.containerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
  });

  it('expands $(VAR) and $$ in commands, and refuses a root image that must not be root', async () => {
    const name = uniqueName('expand');
    lab.cluster.addPod({ namespace: 'lab', name });
    await lab.cluster.untilPod('lab', name, (pod) => pod?.status.phase === 'Running');
    const add = (container: unknown) =>
      lab.client.send({
        method: 'PATCH',
        path: `/api/v1/namespaces/lab/pods/${name}/ephemeralcontainers`,
        contentType: 'application/strategic-merge-patch+json',
        token: lab.token(),
        body: { spec: { ephemeralContainers: [container] } },
      });
    const env = [{ name: 'SESSION', value: 's-1' }];
    await add(lab.busybox('dbg', ['sh', '-c', "echo $(SESSION) '$$X' '$(UNKNOWN)'"], { env }));
    await add(lab.busybox('rootless', ['sh'], { securityContext: { runAsNonRoot: true } }));
    const pod = await lab.cluster.untilPod('lab', name, (p) => {
      const statuses = p?.status.ephemeralContainerStatuses ?? [];
      return (
        statuses.some((s) => s.state.terminated !== undefined) &&
        statuses.some((s) => s.state.waiting?.reason === 'CreateContainerConfigError')
      );
    });
    const log = pod && lab.cluster.parts.kubelet.latest(pod, 'dbg')?.log().toString();
    expect(log).toBe('s-1 $X $(UNKNOWN)\n');
  });

  it('leaves ephemeral containers on a Windows node without a status', async () => {
    lab.cluster.addNode({ name: 'win1', os: 'windows' });
    const name = uniqueName('windows');
    lab.cluster.addPod({
      namespace: 'lab',
      name,
      spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
    });
    const pod = await lab.cluster.untilPod('lab', name, (p) => p?.status.phase === 'Running');
    expect(pod?.spec.nodeName).toBe('win1');
  });
});
