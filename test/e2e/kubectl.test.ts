import '../support/needs.containers.js';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { Kubectl, kubectlVersions } from '../../sandbox/cluster/kubectl.runner.js';
import type { Broker } from '../../src/broker.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
let brokers: readonly [Broker, Broker];
let robin: ApiClient;
let auditor: ApiClient;
const made: Kubectl[] = [];
beforeAll(async () => {
  lab = await BrokerLab.start();
  brokers = [await lab.brokerWithTls(), await lab.brokerWithTls()];
  robin = await lab.as('requester', brokers[0]);
  auditor = await lab.as('auditor', brokers[0]);
});
afterAll(async () => {
  await Promise.all(made.map((kubectl) => kubectl.close()));
  await lab[Symbol.asyncDispose]();
});

async function kubectlWith(kubeconfig: string): Promise<Kubectl> {
  const kubectl = await Kubectl.with(kubeconfig);
  made.push(kubectl);
  return kubectl;
}

async function kubeconfigAt(path: string): Promise<string> {
  const { status, body } = await robin.call('GET', path);
  expect([status, typeof body]).toEqual([200, 'string']);
  return String(body);
}

async function running() {
  const asked = await robin.ask({
    namespace: 'staging',
    target: { workload: { kind: 'Deployment', name: 'cart' } },
    profile: 'shell',
    reason: 'carts are empty',
  });
  return robin.until(asked.id, ['active']);
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('kubectl at a broker with a cluster', () => {
  test('sees the session’s Pod by a token, on any replica, and no longer than the session', async () => {
    const session = await running();
    const pod = session.pod?.name ?? '';
    const text = await kubeconfigAt(`/v1/sessions/${session.id}/kubeconfig?credential=token`);
    const elsewhere = text.replace(brokers[0].url, brokers[1].url);
    expect(elsewhere).not.toBe(text);
    const both = [await kubectlWith(text), await kubectlWith(elsewhere)];
    for (const kubectl of both) {
      expect((await kubectl.run(['get', 'pods'])).stdout).toContain(pod);
      const { stdout } = await kubectl.run(['get', 'pod', pod, '-o', 'json']);
      const shown = JSON.parse(stdout);
      expect(shown.metadata.annotations).toEqual({
        'kubectl.kubernetes.io/default-container': session.container?.name,
      });
      const ours = shown.spec.ephemeralContainers.find(
        ({ name }: { name: string }) => name === session.container?.name,
      );
      expect(new Set(ours.env.map(({ value }: { value: string }) => value))).toEqual(
        new Set(['(masked by Hallpass)']),
      );
    }
    await robin.act(session.id, 'end');
    await robin.until(session.id, ['ended']);
    for (const kubectl of both) {
      // What there is to know of the API is known to it by now.
      expect((await kubectl.run(['get', 'pods'])).stderr).toContain('no longer than that');
    }
  }, 60_000);

  describe.each(kubectlVersions)('by kubectl %s', (version) => {
    let kubectl: Kubectl;
    let session: Awaited<ReturnType<typeof running>>;
    let pod: string;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'kubectl-e2e-'));
      session = await running();
      pod = session.pod?.name ?? '';
      kubectl = await Kubectl.with(
        await kubeconfigAt(`/v1/sessions/${session.id}/kubeconfig?credential=token`),
        version,
      );
      made.push(kubectl);
    }, 60_000);
    afterAll(async () => {
      await robin.act(session.id, 'end');
      await robin.until(session.id, ['ended']);
      await rm(folder, { recursive: true, force: true });
    });

    const recordings = async (kind: string) => {
      const { body } = await robin.call('GET', `/v1/sessions/${session.id}/recordings`);
      return (body as { items: { kind: string; exitCode: number | null }[] }).items.filter(
        (it) => it.kind === kind,
      );
    };

    test('a command runs in the session’s container, its streams apart, with its exit code', async () => {
      const run = await kubectl.run(
        ['exec', '-i', pod, '--', 'sh', '-c', 'cat; echo away >&2; echo $HALLPASS_SESSION; exit 7'],
        { stdin: 'grüße\n' },
      );
      expect(run).toMatchObject({
        stdout: `grüße\n${session.id}\n`,
        stderr: expect.stringContaining('away') as string,
        exitCode: 7,
      });
      await expect
        .poll(async () => (await recordings('exec')).map(({ exitCode }) => exitCode))
        .toContain(7);
    });

    test('a terminal is one, and is recorded as one', async () => {
      const { program, args, env } = kubectl.invocation(['exec', '-it', pod, '--', 'sh']);
      const terminal = spawn(program, [...args], { env, cols: 101, rows: 33 });
      let shown = '';
      terminal.onData((text) => (shown += text));
      const ended = new Promise<number>((resolve) =>
        terminal.onExit(({ exitCode }) => resolve(exitCode)),
      );
      terminal.write('stty size; exit 4\r');
      expect(await ended).toBe(4);
      expect(shown).toContain('33 101');
    }, 20_000);

    test('files are copied both ways, byte for byte, and the record has their digests', async () => {
      const bytes = randomBytes(2_000_000);
      const [there, back] = [join(folder, 'there'), join(folder, 'back')];
      await writeFile(there, bytes);
      const remote = `${pod}:/dev/shm/copied`;
      expect(await kubectl.run(['cp', there, remote])).toMatchObject({ exitCode: 0 });
      await kubectl.run(['cp', remote, back]);
      expect(digest(await readFile(back))).toBe(digest(bytes));
      await expect.poll(async () => (await recordings('copy')).length).toBe(2);
      await expect
        .poll(async () => {
          const { body } = await auditor.call(
            'GET',
            `/v1/audit/events?session=${session.id}&action=recording.finished`,
          );
          return JSON.stringify(body).split(digest(bytes)).length - 1;
        })
        .toBe(2);
    }, 30_000);

    test('the log of the application is read and followed', async () => {
      const { stdout } = await kubectl.run(['logs', pod, '-c', 'app']);
      expect(stdout).toContain('listening');
    });

    test('a port of the application is forwarded', async () => {
      const { stdout: log } = await kubectl.run(['logs', pod, '-c', 'app']);
      const [, to = ''] = /(\d{4,5})/.exec(log) ?? [];
      const forwarding = kubectl.start(['port-forward', `pod/${pod}`, `:${to}`]);
      await forwarding.until(({ stdout }) => stdout.includes('127.0.0.1:'));
      const [, local] = /127\.0\.0\.1:(\d+)/.exec(forwarding.stdout) ?? [];
      const response = await fetch(`http://127.0.0.1:${local}/`);
      expect(response.status).toBe(200);
      await forwarding.stop();
      const asked = lab.sandbox.cluster.requests
        .all()
        .filter(({ path }) => path.endsWith('/portforward'));
      expect(asked.at(-1)?.method).toBe(version === '1.30' ? 'POST' : 'GET');
    }, 20_000);

    test('another container is refused, and the sentence says which one there is', async () => {
      const { stderr, exitCode } = await kubectl.run(['exec', pod, '-c', 'app', '--', 'id']);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain(session.container?.name ?? 'a container');
    });
  });

  test('a stream ends within a second when the session does, and says so', async () => {
    const session = await running();
    const kubectl = await kubectlWith(
      await kubeconfigAt(`/v1/sessions/${session.id}/kubeconfig?credential=token`),
    );
    const stream = kubectl.start([
      'exec',
      session.pod?.name ?? '',
      '--',
      'sh',
      '-c',
      'echo in; sleep 60',
    ]);
    await stream.until(({ stdout }) => stdout.includes('in'));
    const began = performance.now();
    await robin.act(session.id, 'end');
    const { exitCode } = await stream.ended;
    expect(exitCode).not.toBe(0);
    expect(performance.now() - began).toBeLessThan(1_500);
    await robin.until(session.id, ['ended']);
  }, 30_000);

  test('asks by kubectl debug and is let in where nobody need agree', async () => {
    const config = parse(await kubeconfigAt('/v1/clusters/sandbox/kubeconfig'));
    for (const one of config.users) one.user = { token: robin.bearer };
    const kubectl = await kubectlWith(stringify(config));
    const pod = lab.sandbox.cluster.pods('staging')[0]?.metadata.name ?? '';
    const { program, args, env } = kubectl.invocation([
      ...[
        'debug',
        '-it',
        pod,
        '-n',
        'staging',
        '--image=hallpass.sandbox/busybox:1',
        '--target=app',
      ],
      '--env=HALLPASS_REASON=carts are empty,HALLPASS_PROFILE=shell',
    ]);
    const terminal = spawn(program, [...args], { env, cols: 80, rows: 24 });
    let shown = '';
    terminal.onData((text) => (shown += text));
    const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
    await expect.poll(() => shown, { timeout: 15_000 }).toContain('It ends');
    terminal.write('echo "session=$HALLPASS_SESSION"\r');
    await expect.poll(() => shown, { timeout: 10_000 }).toMatch(/session=[0-9a-z]{16}/);
    const id = /session=([0-9a-z]{16})/.exec(shown)?.[1] ?? '';
    expect(await robin.session(id)).toMatchObject({
      state: 'active',
      container: { name: `hallpass-${id}` },
      request: { reason: 'carts are empty', container: 'app' },
    });
    terminal.write('exit\r');
    await ended;
    await robin.act(id, 'end');
    await robin.until(id, ['ended']);
  }, 60_000);

  test('asks by kubectl debug, and reads for whom it waits', async () => {
    const config = parse(await kubeconfigAt('/v1/clusters/sandbox/kubeconfig'));
    for (const one of config.users) one.user = { token: robin.bearer };
    const kubectl = await kubectlWith(stringify(config));
    const pod = lab.sandbox.cluster.pods('payments')[0]?.metadata.name ?? '';
    const args = (name: string, namespace: string) => [
      ...['debug', '-i', name, '--image=hallpass.sandbox/busybox:1', '--target=app'],
      ...['-n', namespace, '--env=HALLPASS_REASON=orders are stuck,HALLPASS_PROFILE=shell'],
    ];
    const ran = await kubectl.run(args(pod, 'payments'));
    expect(ran.stderr).toMatch(/Session \w{16} waits for one of payments-leads\./);
    const id = /Session (\w{16}) waits/.exec(ran.stderr)?.[1] ?? '';
    expect(await robin.session(id)).toMatchObject({
      state: 'pending',
      request: { reason: 'orders are stuck', container: 'app', namespace: 'payments' },
    });
    const missing = await kubectl.run(args('no-such-pod', 'payments'));
    expect(missing.stderr).toContain('There is no Pod "no-such-pod"');
  }, 60_000);
});
