import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawClient } from './raw.client.js';
import { startCluster, type StandInCluster, uniqueName } from './stand-in.cluster.js';

let cluster: StandInCluster;
let client: RawClient;
let admin: string;

beforeAll(async () => {
  cluster = await startCluster();
  cluster.addNamespace('lab');
  client = new RawClient(cluster.url, cluster.caPem);
  admin = cluster.tokens.admin;
});
afterAll(() => cluster.close());

const strategic = 'application/strategic-merge-patch+json';

function debugContainer(name: string, command: string[]) {
  return {
    spec: {
      ephemeralContainers: [
        { name, image: 'docker.io/library/busybox:1', imagePullPolicy: 'Never', command },
      ],
    },
  };
}

async function runningPod(spec: Record<string, unknown> = {}): Promise<string> {
  const name = uniqueName('web');
  cluster.addPod({ namespace: 'lab', name, spec });
  await cluster.untilPod('lab', name, (pod) => pod?.status.phase === 'Running');
  return name;
}

describe('stand-in cluster', () => {
  it('is there for this machine alone', async () => {
    const { hostname, port } = new URL(cluster.url);
    expect(hostname).toBe('127.0.0.1');
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ address }) => address !== hostname);
    for (const { address, scopeid } of others) {
      const host = scopeid ? `${address}%${scopeid}` : address;
      const socket = connect({ host, port: Number(port) });
      // Some networks refuse, others answer nothing: nobody is there in either.
      socket.setTimeout(1_000, () => socket.destroy(new Error('nobody answers')));
      await expect(once(socket, 'connect')).rejects.toThrow();
    }
  });

  it('runs a Pod created through the API and tells a watcher each step', async () => {
    const name = uniqueName('steps');
    const watch = await client.watch({
      path: `/api/v1/namespaces/lab/pods?watch=true&fieldSelector=metadata.name%3D${name}`,
      token: admin,
    });
    const created = await client.send({
      method: 'POST',
      path: '/api/v1/namespaces/lab/pods',
      token: admin,
      contentType: 'application/json',
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'app', image: 'docker.io/library/app:1' }] },
      },
    });
    expect(created.status).toBe(201);
    await watch.until((lines) => (JSON.stringify(lines.at(-1)) ?? '').includes('"running"'));
    watch.stop();
    const phases = watch.lines.map(({ line }) => /"phase":"(\w+)"/.exec(JSON.stringify(line))?.[1]);
    expect(phases[0]).toBe('Pending');
    expect(phases.at(-1)).toBe('Running');
  });

  it('runs an ephemeral container as a process and reports how it ended', async () => {
    const name = await runningPod();
    const patched = await client.send({
      method: 'PATCH',
      path: `/api/v1/namespaces/lab/pods/${name}/ephemeralcontainers`,
      token: admin,
      contentType: strategic,
      body: debugContainer('dbg', ['/bin/sh', '-c', 'echo seen; exit 7']),
    });
    expect(patched.status).toBe(200);
    const pod = await cluster.untilPod(
      'lab',
      name,
      (p) => p?.status.ephemeralContainerStatuses?.[0]?.state.terminated !== undefined,
    );
    expect(pod?.status.ephemeralContainerStatuses?.[0]?.state.terminated).toMatchObject({
      exitCode: 7,
      reason: 'Error',
    });
    const log = await client.send({
      method: 'GET',
      path: `/api/v1/namespaces/lab/pods/${name}/log?container=dbg`,
      token: admin,
    });
    expect(log.body).toBe('seen\n');
  });

  it('a deleted Pod ends its containers and goes', async () => {
    const name = await runningPod();
    cluster.deletePod('lab', name);
    await cluster.untilPod('lab', name, (pod) => pod === undefined);
  });

  it('a Deployment has a ReplicaSet and Pods that name their owners', async () => {
    const name = uniqueName('checkout');
    cluster.addDeployment({ namespace: 'lab', name, replicas: 2 });
    const own = () => cluster.pods('lab').filter((p) => p.metadata.labels?.['app'] === name);
    await cluster.untilPod(
      'lab',
      name,
      () => own().filter((p) => p.status.phase === 'Running').length === 2,
    );
    const sets = await client.send({
      method: 'GET',
      path: `/apis/apps/v1/namespaces/lab/replicasets?labelSelector=app%3D${name}`,
      token: admin,
    });
    expect(sets.body).toMatchObject({
      items: [{ metadata: { ownerReferences: [{ kind: 'Deployment', name, controller: true }] } }],
    });
    expect(own()[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet' }]);
    const gone = await client.send({
      method: 'DELETE',
      path: `/apis/apps/v1/namespaces/lab/deployments/${name}`,
      token: admin,
    });
    expect(gone.body).toMatchObject({ status: 'Success', details: { name, group: 'apps' } });
    await cluster.untilPod('lab', name, () => own().length === 0);
  });
});
