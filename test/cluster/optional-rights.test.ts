import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKER_RIGHTS, brokerKubeconfig } from '../../sandbox/broker/broker.account.js';
import { Kubectl, kubectlVersions } from '../../sandbox/cluster/kubectl.runner.js';
import { startCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';

let cluster: StandInCluster;
let kubeconfig: string;
beforeAll(async () => {
  cluster = await startCluster();
  cluster.addNamespace('shop');
  cluster.addPod({ namespace: 'shop', name: 'web' });
  await cluster.untilPod('shop', 'web', (pod) => pod?.status.phase === 'Running');
  kubeconfig = brokerKubeconfig(cluster, ['shop']);
});
afterAll(() => cluster.close());

describe('the optional rights in deploy/', () => {
  it('are all among those that the sandbox and the stories in a cluster give', async () => {
    const files = await readdir(new URL('../../deploy/', import.meta.url));
    const rights = files.filter((name) => /^rbac(?!-impersonate)/.test(name));
    expect(rights.sort()).toEqual([...BROKER_RIGHTS].sort());
  });

  it.each(kubectlVersions)(
    'are enough for the logs and the ports of a Pod (%s)',
    async (version) => {
      const kubectl = await Kubectl.with(kubeconfig, version);
      try {
        const logs = await kubectl.run(['-n', 'shop', 'logs', 'web']);
        expect(logs).toMatchObject({ exitCode: 0, stderr: '' });
        const forwarding = kubectl.start(['-n', 'shop', 'port-forward', 'pod/web', ':80']);
        await forwarding.until(({ stdout }) => stdout.includes('Forwarding from'));
        await forwarding.stop();
        expect(cluster.requests.find({ status: 403 })).toEqual([]);
      } finally {
        await kubectl.close();
      }
    },
  );
});
