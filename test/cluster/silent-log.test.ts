import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { KubernetesPods } from '../../src/adapters/kubernetes/kubernetes.pods.js';
import { isProblem } from '../../src/domain/problem.js';
import { CLUSTER, KeptLog, NAMESPACE } from './broker.lab.js';
import { kubeconfigOfPort } from '../support/kubeconfig.js';

const POD = {
  metadata: { name: 'web', uid: 'uid-1' },
  spec: { containers: [{ name: 'app' }] },
};
const place = {
  cluster: CLUSTER,
  namespace: NAMESPACE,
  pin: { podName: 'web', podUid: 'uid-1', nodeName: 'n1' },
};

it('a log that says nothing for an hour goes on', async () => {
  // Before the first request: the client's clock is made of these, and the connection's bytes come in real time.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const logs: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (!request.url?.includes('/log')) return void response.end(JSON.stringify(POD));
    logs.push(response);
    response.write('before\n');
  });
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-log-'));
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const kubeconfig = join(folder, 'kubeconfig');
    const { port } = server.address() as AddressInfo;
    await writeFile(kubeconfig, kubeconfigOfPort(port));
    const clusters = [{ name: CLUSTER, inCluster: false, kubeconfig, namespaces: ['*'] }];
    const pods = new KubernetesPods(new KubernetesClusters({ clusters, log: new KeptLog() }));
    const options = { container: 'app', follow: true, previous: false, timestamps: false };
    const log = await pods.logs(place, options, new AbortController().signal);
    if (isProblem(log)) throw new Error(log.detail);
    let text = '';
    for await (const part of log) {
      text += Buffer.from(part).toString();
      if (text.includes('after')) break;
      await vi.advanceTimersByTimeAsync(3_600_000);
      logs[0]?.write('after\n');
    }
    expect(text).toBe('before\nafter\n');
  } finally {
    vi.useRealTimers();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
