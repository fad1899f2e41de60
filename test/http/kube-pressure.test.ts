import { afterEach, describe, expect, test } from 'vitest';
import { KubectlStreams } from '../../src/adapters/http/kube/kubectl.streams.js';
import type { SocketSettings } from '../../src/adapters/http/socket.settings.js';
import { SOCKETS } from '../../src/adapters/http/socket.settings.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { ChannelClient, letIn } from '../support/kube.client.js';
import { tookMs } from '../support/own.time.js';

let api: Api;
afterEach(() => api.close());

const streams = () => api.app.get(KubectlStreams);
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** kubectl in a session, running a command. */
async function exec(command: string, sockets: Partial<SocketSettings> = {}) {
  api = await startApi({ settings: { sockets: { ...SOCKETS, ...sockets } } });
  const { body } = await api.ask();
  await api.step(body.id, 'start');
  await api.step(body.id, 'run', { startedAt: new Date() });
  const pod = `${api.url}/kube/${body.id}/api/v1/namespaces/staging/pods/${body.pod.name}`;
  const query = new URLSearchParams({ stdin: 'true', stdout: 'true' });
  for (const word of ['sh', '-c', command]) query.append('command', word);
  return letIn(await ChannelClient.open(`${pod}/exec?${query.toString()}`, 'robin'));
}

/** Waits until what the process prints is not taken any more. */
async function heldUp(): Promise<void> {
  const { enter } = api.kubectl;
  for (let before = -1; before !== enter.taken;) {
    before = enter.taken;
    await turns(200);
    if (enter.taken === 0) before = -1;
  }
}

describe('a kubectl that never reads', () => {
  test('slows the process down, while little waits for it', async () => {
    const client = await exec('yes');
    client.socket.pause();
    await heldUp();
    expect(streams().waitingBytes).toBeLessThan(262_144);
    client.socket.terminate();
    await expect.poll(() => streams().count).toBe(0);
  });

  test('and pings without end is not answered without end', async () => {
    const client = await exec('yes');
    client.socket.pause();
    await heldUp();
    const ping = Buffer.alloc(125);
    for (let count = 0; count < 50_000; count++) client.socket.ping(ping);
    client.send(4, '{"Width":7,"Height":7}');
    // All that came before has been read then.
    await expect.poll(() => api.kubectl.enter.resizes, { timeout: 10_000 }).toHaveLength(1);
    expect(streams().waitingBytes).toBeLessThan(1_500_000);
    client.socket.terminate();
  });

  test('is cut when its session is revoked', async () => {
    const client = await exec('yes', { closeSeconds: 0.2 });
    client.socket.pause();
    await heldUp();
    const cut = async () => {
      api.kubectl.enter.end({
        kind: 'session-over',
        reason: 'revoked',
        detail: 'Alex revoked the session.',
      });
      await expect.poll(() => streams().count).toBe(0);
    };
    expect(await tookMs(cut)).toBeLessThan(1_000);
    client.socket.terminate();
  });

  test('has time to read what is left where the command has ended by itself', async () => {
    const client = await exec('head -c 3000000 /dev/zero', { closeSeconds: 0.01 });
    client.socket.pause();
    await heldUp();
    client.socket.resume();
    const { stdout, status } = await client.played();
    expect(stdout.length).toBe(3_000_000);
    expect(status).toMatchObject({ status: 'Success' });
  });
});

describe('a kubectl that floods', () => {
  test('waits until what it sent is taken, while little waits here', async () => {
    const client = await exec('wc -c');
    const { enter } = api.kubectl;
    const gate = Promise.withResolvers<undefined>();
    enter.held = gate.promise;
    const total = 40_000_000;
    for (let sent = 0; sent < total; sent += 40_000) client.send(0, Buffer.alloc(40_000, 'y'));
    client.endInput();
    for (let before = -1; before !== client.socket.bufferedAmount;) {
      before = client.socket.bufferedAmount;
      await turns(200);
    }
    // All but what the system holds on the way still waits on the other side.
    expect(client.socket.bufferedAmount).toBeGreaterThan(total / 2);
    gate.resolve(undefined);
    const { stdout } = await client.played();
    expect(stdout.toString().trim()).toBe(String(total));
    expect(enter.given).toBe(total);
  });

  test('has no few sizes of its terminal wait: what is typed next is for the last of them', async () => {
    const client = await exec('cat');
    const { resizes } = api.kubectl.enter;
    for (let width = 1; width <= 10; width++) client.send(4, `{"Width":${width},"Height":24}`);
    client.send(0, 'typed');
    await expect.poll(() => api.kubectl.enter.given).toBe(5);
    expect(resizes.at(-1)).toEqual({ columns: 10, rows: 24 });
    client.socket.terminate();
  });

  test('with sizes of its terminal has few of them passed on, and the last one', async () => {
    const client = await exec('cat');
    const { resizes } = api.kubectl.enter;
    const total = 50_000;
    for (let width = 1; width <= total; width++) client.send(4, `{"Width":${width},"Height":24}`);
    await expect
      .poll(() => resizes.at(-1), { timeout: 10_000 })
      .toEqual({ columns: total, rows: 24 });
    expect(resizes.length).toBeLessThan(200);
    client.socket.terminate();
  });
});
