import '../support/needs.containers.js';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { kubectlVersions } from '../../sandbox/cluster/kubectl.runner.js';
import { thisMachine } from '../../sandbox/runtime/shells.js';
import { RecordingList } from '../../src/contract/recording.schema.js';
import { tookMs } from '../support/own.time.js';
import type { Running } from './kubectl.lab.js';
import { inTerminal, KubectlWorld } from './kubectl.lab.js';

const perl = thisMachine.find('perl') !== undefined;
const noPerl = 'This machine has no perl, which the listening application is made of.';
const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const REMOTE = '/tmp/heap.hprof';

let world: KubectlWorld;
/** What is run by every version of kubectl runs in this one; its Pod listens on a port, and gives back what it gets. */
let session: Running;
let folder: string;
beforeAll(async () => {
  world = await KubectlWorld.start();
  const image = 'docker.io/library/web:1';
  const listening = { image, command: ['/bin/web', 'echo', '0'] };
  session = await world.session('plain', await world.pod(perl ? listening : {}));
  folder = await mkdtemp(join(tmpdir(), 'hallpass-cp-'));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function recordingsOf(id: string) {
  const audrey = await world.lab.as('auditor', world.brokers[1]);
  const { body } = await audrey.call('GET', `/v1/sessions/${id}/recordings`);
  const cast = async (recording: string) =>
    String((await audrey.call('GET', `/v1/recordings/${recording}/cast`)).body);
  return { items: RecordingList.parse(body).items, cast };
}

describe.each(kubectlVersions)('kubectl %s in a session', (version) => {
  let kubectl: Kubectl;
  beforeAll(async () => {
    kubectl = await world.inSession(session.id, version);
  });

  test('prints the Pod, and shows it with what may be secret masked', async () => {
    const { pod, container } = session;
    const table = await kubectl.run(['get', 'pods']);
    expect(table).toMatchObject({ exitCode: 0, stderr: '' });
    expect(table.stdout).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\n/);
    expect(table.stdout).toMatch(new RegExp(`^${pod} +1/1 +Running`, 'm'));
    const shown = JSON.parse((await kubectl.run(['get', 'pod', pod, '-o', 'json'])).stdout);
    expect(shown.metadata.annotations).toEqual({
      'kubectl.kubernetes.io/default-container': container,
    });
    const ours = shown.spec.ephemeralContainers.find(
      (it: { name: string }) => it.name === container,
    );
    expect(new Set(ours.env.map((it: { value: string }) => it.value))).toEqual(
      new Set(['(masked by Hallpass)']),
    );
  });

  test('runs a command, its output and its errors apart, and ends with its exit code', async () => {
    const script = 'echo $HALLPASS_SESSION; echo err >&2; exit 7';
    expect(await kubectl.run(['exec', session.pod, '--', 'sh', '-c', script])).toEqual({
      exitCode: 7,
      stdout: `${session.id}\n`,
      stderr: 'err\ncommand terminated with exit code 7\n',
    });
  });

  test('passes input through to its end', async () => {
    const stdin = randomBytes(1_000_000);
    const ran = await kubectl.run(['exec', '-i', session.pod, '--', 'sha256sum'], { stdin });
    expect(ran).toMatchObject({ exitCode: 0, stdout: `${digest(stdin)}  -\n` });
  });

  test('is a terminal of the size of its own, also when that changes', async () => {
    using terminal = inTerminal(kubectl, ['exec', '-it', session.pod, '--', 'sh']);
    await terminal.sees(/is recorded/);
    await terminal.sees(/[#$] /);
    terminal.type('stty size\r');
    await terminal.sees(/30 100\r/);
    terminal.pty.resize(132, 43);
    terminal.type('stty size\r');
    await terminal.sees(/43 132\r/);
    terminal.type('exit 5\r');
    expect(await terminal.ended()).toBe(5);
  });

  test('copies files both ways, byte for byte, and the record names them with their digests', async () => {
    const bytes = randomBytes(3_000_000);
    const [there, back] = [join(folder, `there-${version}`), join(folder, `back-${version}`)];
    await writeFile(there, bytes);
    const copied = [
      await kubectl.run(['cp', there, `${session.pod}:${REMOTE}`]),
      await kubectl.run(['cp', `${session.pod}:${REMOTE}`, back]),
      await kubectl.run(['cp', '--retries=3', `${session.pod}:${REMOTE}`, `${back}-again`]),
    ];
    expect(copied.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(digest(await readFile(back))).toBe(digest(bytes));
    expect(digest(await readFile(`${back}-again`))).toBe(digest(bytes));
    const told = await vi.waitUntil(
      async () => {
        const { items, cast } = await recordingsOf(session.id);
        const copies = items.filter(({ kind, state }) => kind === 'copy' && state === 'ended');
        const texts = await Promise.all(copies.map(({ id }) => cast(id)));
        const ours = texts.filter((text) => text.includes(digest(bytes)));
        return ours.length === 3 && ours;
      },
      { timeout: 20_000, interval: 100 },
    );
    for (const [at, direction] of (['upload', 'download', 'download'] as const).entries()) {
      const said = `${direction} ${digest(bytes)} ${bytes.length} `;
      expect(told[at]).toContain(said);
      // The names and digests alone: what was in them is not kept.
      expect(told[at]?.length).toBeLessThan(2_000);
    }
    const audrey = await world.lab.as('auditor', world.brokers[0]);
    const finished = (await audrey.audit(session.id)).filter(
      ({ action, body }) =>
        action === 'recording.finished' && JSON.stringify(body).includes(digest(bytes)),
    );
    expect(finished).toHaveLength(3);
  });

  test('has whatever else calls itself tar on the record as what it wrote', async () => {
    const fake = '#!/bin/sh\\nexec sh\\n';
    const tar = `/tmp/bin-${version}/tar`;
    const make = `mkdir -p /tmp/bin-${version}; printf '${fake}' > ${tar}; chmod +x ${tar}`;
    await kubectl.run(['exec', session.pod, '--', 'sh', '-c', make]);
    const secret = `secret-${version}`;
    const ran = await kubectl.run(['exec', '-i', session.pod, '--', tar, 'cf', '-', '/tmp'], {
      stdin: Buffer.from(`echo ${secret}\n`),
    });
    expect(ran).toMatchObject({ exitCode: 0, stdout: `${secret}\n` });
    const { items, cast } = await recordingsOf(session.id);
    const texts = await Promise.all(items.map(({ id }) => cast(id)));
    expect(
      texts.filter((text) => text.includes(`"${secret}\\r\\n"`) || text.includes(`"${secret}\\n"`)),
    ).toHaveLength(1);
  });

  test('prints the log of the container that the session looks at, and follows it', async ({
    skip,
  }) => {
    skip(!perl, noPerl);
    const log = await kubectl.run(['logs', session.pod]);
    expect(log).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\d+/) });
    const following = kubectl.start(['logs', '-f', session.pod, '-c', 'app']);
    await following.until(({ stdout }) => stdout.includes(log.stdout));
    expect(following.child.exitCode).toBeNull();
    await following.stop();
  });

  test('forwards a port, with data both ways on several connections at once', async ({ skip }) => {
    skip(!perl, noPerl);
    const port = /\d+/.exec((await kubectl.run(['logs', session.pod])).stdout)?.[0] ?? '';
    const running = kubectl.start(['port-forward', session.pod, `:${port}`]);
    await running.until(({ stdout }) => stdout.includes('127.0.0.1:'));
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(running.stdout)?.[1]);
    const bytes = randomBytes(1_000_000);
    const sums = await Promise.all([1, 2, 3].map(async () => digest(await echoed(local, bytes))));
    expect(new Set(sums)).toEqual(new Set([digest(bytes)]));
    await running.stop();
    // Through the broker as kubectl asks: by WebSocket since 1.31, by SPDY before.
    const asked = world.cluster.requests.all().filter(({ path }) => path.endsWith('/portforward'));
    const method = version === '1.30' ? 'POST' : 'GET';
    expect(asked.at(-1)).toMatchObject({ method, status: 101 });
    const audrey = await world.lab.as('auditor', world.brokers[0]);
    const reached = (await audrey.audit(session.id)).filter(
      ({ action }) => action === 'session.port-forward',
    );
    expect(reached.at(-1)).toMatchObject({ body: { data: { port: Number(port) } } });
  });

  test('is refused any other container, and reads which one is its own', async () => {
    const { pod, container } = session;
    const other = await kubectl.run(['exec', pod, '-c', 'app', '--', 'id']);
    expect(other).toMatchObject({ exitCode: 1, stdout: '' });
    expect(other.stderr).toContain(
      `lets you into its own container "${container}", not into "app"`,
    );
    // Newer ones look at the Pod first, and say themselves which containers there are.
    const none = await kubectl.run(['exec', pod, '-c', 'no-such', '--', 'id']);
    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(container) });
    const own = await kubectl.run(['exec', pod, '-c', container, '--', 'echo', 'in']);
    expect(own).toMatchObject({ exitCode: 0, stdout: 'in\n' });
    const elsewhere = await kubectl.run(['exec', 'another-pod', '--', 'id']);
    expect(elsewhere.stderr).toContain(`is a door to Pod "${pod}"`);
  });

  test('of somebody else finds nothing', async () => {
    for (const who of ['approver', 'admin', 'auditor'] as const) {
      const other = await world.as(who, session.id, version);
      for (const args of [
        ['get', 'pods'],
        ['exec', session.pod, '--', 'id'],
      ]) {
        const ran = await other.run(args);
        expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ran.stderr).toMatch(/There is no session|This needs the permission/);
      }
    }
  });

  test('reads what its terms forbid', async () => {
    const { id, pod } = await world.session('narrow');
    const narrow = await world.inSession(id, version);
    const there = await narrow.run(['cp', join(folder, `there-${version}`), `${pod}:/tmp/x`]);
    expect(there.stderr).toContain('do not allow copying files into the container');
    for (const more of [[], ['--retries=2']]) {
      const back = await narrow.run(['cp', ...more, `${pod}:/etc/hostname`, join(folder, 'no')]);
      expect(back.stderr).toContain('do not allow copying files out of the container');
    }
    const piped = await narrow.run(
      ['exec', '-i', pod, '--', 'sh', '-c', 'cat > /tmp/x; echo taken'],
      { stdin: Buffer.from('a file') },
    );
    expect(piped).toMatchObject({ exitCode: 1, stdout: '' });
    expect(piped.stderr).toContain('let no files be copied into the container');
    const forward = await narrow.run(['port-forward', pod, ':80']);
    expect(forward).toMatchObject({ exitCode: 1 });
    expect(forward.stderr).toContain('do not allow forwarding ports');
    await world.robin.act(id, 'end');
  });

  test('is out within a second of a revocation, and reads why, whatever it knew of the API', async () => {
    const { id, pod } = await world.session();
    const inside = await world.inSession(id, version);
    const running = inside.start(['exec', '-i', pod, '--', 'sh', '-c', 'echo in; cat']);
    await running.until(({ stdout }) => stdout === 'in\n');
    const forwarding = inside.start(['port-forward', pod, ':80']);
    await forwarding.until(({ stdout }) => stdout.includes('Forwarding from'));
    const following = inside.start(['logs', '-f', pod]);
    await expect.poll(async () => (await recordingsOf(id)).items).toHaveLength(3);
    const text = await world.kubeconfig(`/v1/sessions/${id}/kubeconfig?credential=token`);
    const elsewhere = text.replace(world.brokers[0].url, world.brokers[1].url);
    expect((await (await world.with(elsewhere, version)).run(['get', 'pods'])).stdout).toContain(
      pod,
    );
    const ada = await world.lab.as('admin', world.brokers[1]);
    const revoking = async () => {
      await ada.act(id, 'revoke', { comment: 'it is not the carts' });
      await Promise.all([running.ended, forwarding.ended, following.ended]);
    };
    expect(await tookMs(revoking)).toBeLessThan(1_000);
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Revoked by ada@example.com: it is not the carts');
    for (const one of [
      inside,
      await world.with(text, version),
      await world.with(elsewhere, version),
    ]) {
      for (const args of [
        ['get', 'pods'],
        ['exec', pod, '--', 'id'],
        ['logs', pod],
      ]) {
        const ran = await one.run(args);
        expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
        expect(ran.stderr).toContain('Revoked by ada@example.com: it is not the carts.');
      }
    }
  });
});

describe('a session without the way kubectl', () => {
  test('gives no kubeconfig, and reads which ways there are', async () => {
    const { id, pod } = await world.session('console');
    const { status, body } = await world.robin.call('GET', `/v1/sessions/${id}/kubeconfig`);
    expect([status, body]).toMatchObject([403, { detail: expect.stringContaining('but console') }]);
    const own = await world.as('requester');
    const ran = await own.run(['exec', pod, '-n', 'staging', '--', 'id']);
    expect(ran.stderr).toContain('hallpass kubeconfig SESSION');
    await world.robin.act(id, 'end');
  });
});

/** Sends bytes to an echo, and gives what comes back until there are as many. */
async function echoed(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
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
