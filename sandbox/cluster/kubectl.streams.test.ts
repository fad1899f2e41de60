import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../free.port.js';
import { thisMachine } from '../runtime/shells.js';
import { Kubectl, kubectlVersions } from './kubectl.runner.js';
import type { RunningKubectl } from './kubectl.runner.js';
import { startCluster } from './stand-in.cluster.js';
import type { StandInCluster } from './stand-in.cluster.js';

const perl = thisMachine.find('perl') !== undefined;
const noPerl = 'This machine has no perl, which the listening application is made of.';

let cluster: StandInCluster;
let folder: string;
let port: number;

beforeAll(async () => {
  cluster = await startCluster();
  cluster.addNamespace('lab');
  folder = await mkdtemp(join(tmpdir(), 'kubectl-streams-'));
  port = await freePort(0);
  const image = 'docker.io/library/web:1';
  const command = ['/bin/web', 'echo', `${port}`];
  if (perl) cluster.addPod({ namespace: 'lab', name: 'web', image, command });
  else cluster.addPod({ namespace: 'lab', name: 'web' });
  cluster.addPod({ namespace: 'lab', name: 'silent' });
  for (const name of ['web', 'silent']) {
    await cluster.untilPod('lab', name, (pod) => pod?.status.phase === 'Running');
  }
});
afterAll(async () => {
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe.each(kubectlVersions)('the streams of kubectl %s', (version) => {
  const container = `tools-${version.replace('.', '-')}`;
  let kubectl: Kubectl;
  beforeAll(async () => {
    kubectl = await Kubectl.with(cluster.kubeconfig('admin', 'lab'), version);
    if (cluster.runtime.isolation === 'none') return;
    const image = '--image=docker.io/library/busybox:1';
    await kubectl.run(['debug', 'silent', image, '-c', container, '-q', '--', 'sleep', '600']);
    await cluster.untilPod('lab', 'silent', (pod) =>
      (pod?.status.ephemeralContainerStatuses ?? []).some(
        ({ name, state }) => name === container && state.running !== undefined,
      ),
    );
  });
  afterAll(() => kubectl.close());

  /** The address of a forwarding, once it takes connections. */
  async function forwarding(
    pod: string,
    to: number,
  ): Promise<{ running: RunningKubectl; local: number }> {
    const running = kubectl.start(['port-forward', `pod/${pod}`, `:${to}`]);
    await running.until(({ stdout }) => stdout.includes('127.0.0.1:'));
    const [, local] = /127\.0\.0\.1:(\d+)/.exec(running.stdout) ?? [];
    return { running, local: Number(local) };
  }

  it('run a command with its input, and end with its exit code', async ({ skip }) => {
    skip(cluster.runtime.isolation === 'none', cluster.runtime.isolationNote);
    const inside = ['exec', '-i', 'silent', '-c', container, '--', 'sh', '-c', 'cat; exit 3'];
    const run = await kubectl.run(inside, { stdin: 'grüße\n' });
    expect(run).toMatchObject({ stdout: 'grüße\n', exitCode: 3 });
  });

  it('copy files both ways, byte for byte', async ({ skip }) => {
    skip(cluster.runtime.isolation === 'none', cluster.runtime.isolationNote);
    const bytes = randomBytes(3_000_000);
    const [there, back] = [join(folder, `there-${version}`), join(folder, `back-${version}`)];
    await writeFile(there, bytes);
    const remote = 'silent:/tmp/copied';
    expect(await kubectl.run(['cp', '-c', container, there, remote])).toMatchObject({
      exitCode: 0,
    });
    const sum = ['exec', 'silent', '-c', container, '--', 'sha256sum', '/tmp/copied'];
    expect((await kubectl.run(sum)).stdout).toContain(digest(bytes));
    await kubectl.run(['cp', '-c', container, remote, back]);
    expect(digest(await readFile(back))).toBe(digest(bytes));
  });

  it('follow a log', async () => {
    const following = kubectl.start(['logs', '-f', 'silent', '-c', 'app']);
    await following.until(({ stdout }) => /^tick \d+\n/.test(stdout));
    await following.stop();
  });

  it('forward a port, many connections at once, each with all of its bytes', async ({ skip }) => {
    skip(!perl, noPerl);
    const { running, local } = await forwarding('web', port);
    const bytes = randomBytes(2_000_000);
    const sums = await Promise.all(
      Array.from({ length: 5 }, async () => digest(await echoed(local, bytes))),
    );
    expect(new Set(sums)).toEqual(new Set([digest(bytes)]));
    await running.stop();
    const asked = cluster.requests.all().filter(({ path }) => path.endsWith('/portforward'));
    const method = version === '1.30' ? 'POST' : 'GET';
    expect(asked.at(-1)).toMatchObject({ method, status: 101 });
  });

  it("refuse a port that nothing of the Pod listens on, in Kubernetes' words", async ({ skip }) => {
    skip(!perl, noPerl);
    // The port is open on this machine, and another Pod's.
    const { running, local } = await forwarding('silent', port);
    connect({ port: local, host: '127.0.0.1' }).on('error', () => undefined);
    await running.until(({ stderr }) => stderr.includes('connection refused'));
    const sentence = `an error occurred forwarding ${local} -> ${port}: error forwarding port ${port} to pod`;
    expect(running.stderr.replaceAll('\\"', '"')).toContain(sentence);
    await running.stop();
  });

  it('are refused a forwarding without the right to it', async () => {
    cluster.addServiceAccount({
      namespace: 'lab',
      name: 'reader',
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    });
    const reader = await Kubectl.with(cluster.kubeconfig('lab/reader', 'lab'), version);
    try {
      const { stderr, exitCode } = await reader.run(['port-forward', 'pod/web', `:${port}`]);
      expect(stderr).toContain('cannot create resource "pods/portforward" in API group ""');
      expect(exitCode).toBe(1);
    } finally {
      await reader.close();
    }
  });
});

/** Sends bytes to an echo, and gives what comes back until there are as many. */
async function echoed(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(bytes);
  const parts: Buffer[] = [];
  let count = 0;
  for await (const part of socket) {
    if (!Buffer.isBuffer(part)) continue;
    parts.push(part);
    count += part.length;
    if (count >= bytes.length) break;
  }
  return Buffer.concat(parts);
}
