import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Kubectl } from './kubectl.runner.js';
import { untilSpoken } from './replay.lab.js';
import { startCluster, type StandInCluster } from './stand-in.cluster.js';

let cluster: StandInCluster;
let kubectl: Kubectl;

beforeAll(async () => {
  cluster = await startCluster();
  cluster.addNamespace('lab');
  cluster.addPod({ namespace: 'lab', name: 'web', labels: { app: 'web' } });
  await cluster.untilPod('lab', 'web', (pod) => pod?.status.phase === 'Running');
  kubectl = await Kubectl.with(cluster.kubeconfig('admin', 'lab'));
});
afterAll(async () => {
  await cluster.close();
  await kubectl.close();
});

describe('the real kubectl against the stand-in', () => {
  it('gets Pods as a table', async () => {
    const { stdout, stderr } = await kubectl.run(['get', 'pods']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\nweb +1\/1 +Running +0 +\d+s\n$/);
  });

  it('describes a Pod, its events included', async () => {
    const { stdout, exitCode } = await kubectl.run(['describe', 'pod', 'web']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Node: +n1\/192\.0\.2\.2/);
    expect(stdout).toContain('Successfully assigned lab/web to n1');
  });

  it('reads a log', async () => {
    const pod = cluster.pod('lab', 'web');
    await untilSpoken(pod && cluster.parts.kubelet.latest(pod, 'app'));
    expect((await kubectl.run(['logs', 'web'])).stdout).toMatch(/^tick \d+\n/);
  });

  it('debugs: adds an ephemeral container and attaches to it', async ({ skip }) => {
    skip(cluster.runtime.isolation === 'none', cluster.runtime.isolationNote);
    const command = [
      ...['debug', 'web', '--image=docker.io/library/busybox:1', '--image-pull-policy=Never'],
      ...['--stdin', '--quiet', '--', 'sh', '-c', 'read x; echo "READY $x"'],
    ];
    const { stdout } = await kubectl.run(command, { stdin: 'now\n' });
    expect(stdout).toBe('READY now\n');
  });

  it("runs a command and takes its exit code for kubectl's own", async ({ skip }) => {
    skip(cluster.runtime.isolation === 'none', cluster.runtime.isolationNote);
    await kubectl.run([
      ...['debug', 'web', '--image=docker.io/library/busybox:1', '--image-pull-policy=Never'],
      ...['-c', 'tools', '--quiet', '--', 'sleep', '600'],
    ]);
    await cluster.untilPod('lab', 'web', (pod) =>
      JSON.stringify(pod?.status.ephemeralContainerStatuses).includes('"running"'),
    );
    const command = ['exec', 'web', '-c', 'tools', '--', 'sh', '-c', 'echo hi; exit 4'];
    const { stdout, stderr, exitCode } = await kubectl.run(command);
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: 'hi\n',
      stderr: 'command terminated with exit code 4\n',
      exitCode: 4,
    });
    const piped = ['exec', '-i', 'web', '-c', 'tools', '--', 'cat'];
    expect((await kubectl.run(piped, { stdin: 'input\n' })).stdout).toBe('input\n');
  });

  it('asks what it may do', async () => {
    cluster.addServiceAccount({
      namespace: 'lab',
      name: 'reader',
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    });
    const reader = await Kubectl.with(cluster.kubeconfig('lab/reader', 'lab'));
    try {
      expect((await reader.run(['auth', 'can-i', 'get', 'pods'])).stdout).toBe('yes\n');
      const denied = await reader.run(['auth', 'can-i', 'delete', 'pods']);
      expect(denied).toMatchObject({ stdout: 'no\n', exitCode: 1 });
    } finally {
      await reader.close();
    }
  });

  it('deletes a Pod and waits until it is gone', async () => {
    cluster.addPod({ namespace: 'lab', name: 'short' });
    await cluster.untilPod('lab', 'short', (pod) => pod?.status.phase === 'Running');
    const { stdout } = await kubectl.run(['delete', 'pod', 'short']);
    expect(stdout).toMatch(/pod "short" deleted/);
    expect(cluster.pod('lab', 'short')).toBeUndefined();
  });
});
