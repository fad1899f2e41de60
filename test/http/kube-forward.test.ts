import { once } from 'node:events';
import { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PortForwards } from '../../src/adapters/http/kube/port.forwards.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { SilentTunnel } from '../support/in-memory.kubectl.js';
import { upgradeByHand } from '../support/kube.client.js';
import { tookMs } from '../support/own.time.js';
import { policyOf, setOf } from '../support/policies.js';

let api: Api;
beforeAll(async () => {
  api = await startApi({
    set: setOf([
      policyOf('staging', { match: { namespaces: ['staging'] }, terms: { portForward: true } }),
    ]),
  });
});
afterAll(() => api.close());

const SPDY = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io' };
const silent = (headers: Readonly<Record<string, string>>) => new SilentTunnel(headers);
const recording = () => api.kubectl.recorder.recordings.at(-1);
const tunnels = () => api.app.get(PortForwards).count;

async function running(seconds = 600): Promise<{ readonly id: string; readonly path: string }> {
  const { body } = await api.ask();
  await api.step(body.id, 'start');
  const deadlineAt = new Date(Date.now() + seconds * 1_000);
  await api.step(body.id, 'run', { startedAt: new Date(), deadlineAt });
  const path = `/kube/${body.id}/api/v1/namespaces/staging/pods/${body.pod.name}/portforward`;
  return { id: body.id, path: `${api.url}${path}` };
}

/** Ports of a session, forwarded; to a cluster that takes everything and says nothing, where nothing else is given. */
async function forwarded<T extends SilentTunnel>(
  make: (headers: Readonly<Record<string, string>>) => T,
  seconds?: number,
) {
  const session = await running(seconds);
  const asked = Promise.withResolvers<T>();
  api.kubectl.pods.tunnel = (headers) => {
    const tunnel = make(headers);
    asked.resolve(tunnel);
    return tunnel;
  };
  const socket = await upgradeByHand(session.path, SPDY, 'POST');
  if (!(socket instanceof Socket)) throw new Error(`${socket.httpStatus}: ${socket.text}`);
  return { ...session, socket, tunnel: await asked.promise };
}

/** A frame of SPDY with so many bytes for a port. */
function dataFrame(length: number): Buffer {
  const frame = Buffer.alloc(8 + length);
  frame.writeUInt32BE(3, 0);
  frame.writeUInt32BE(length, 4);
  return frame;
}

/** What kubectl sends every few seconds: SPDY/3 §2.6.5. */
const PING = Buffer.from('8003000600000004' + '00000001', 'hex');

test('what is sent to a port is counted, and pings are not', async () => {
  const { socket, tunnel } = await forwarded(silent);
  const before = api.kubectl.live.counts().forward.bytesIn;
  socket.write(Buffer.concat([PING, dataFrame(500), PING]));
  await expect.poll(() => Buffer.concat(tunnel.taken).length).toBe(532);
  expect(api.kubectl.live.counts().forward.bytesIn - before).toBe(500);
  socket.destroy();
  await expect.poll(() => recording()?.end).toEqual({ exitCode: null, why: 'left' });
  await expect.poll(tunnels).toBe(0);
});

test('a client that is gone without a word is found by TCP', async () => {
  const probing = vi.spyOn(Socket.prototype, 'setKeepAlive');
  const { socket } = await forwarded(silent);
  expect(probing).toHaveBeenCalledWith(true, 15_000);
  probing.mockRestore();
  socket.destroy();
});

test('the tunnel is cut at the deadline, also where the database is away', async () => {
  const seconds = 2;
  const began = performance.now();
  const { socket } = await forwarded(silent, seconds);
  const closed = once(socket, 'close');
  socket.resume();
  api.store.broken = new Error('database away');
  try {
    expect(await tookMs(() => closed)).toBeLessThan(seconds * 1_000 + 800);
  } finally {
    api.store.broken = undefined;
  }
  expect(performance.now() - began).toBeGreaterThan(seconds * 1_000 - 10);
  await expect.poll(() => recording()?.end?.why).toBe('The time was up.');
});

/** Says and takes as much as is asked of it. */
class FloodedTunnel extends SilentTunnel {
  said = 0;
  given = 0;
  held: Promise<undefined> | undefined;
  private isOver = false;

  override get output(): AsyncIterable<Uint8Array> {
    return this.flood();
  }

  override async write(data: Uint8Array): Promise<boolean> {
    await this.held;
    this.given += data.length;
    return true;
  }

  override close(): void {
    this.isOver = true;
  }

  private async *flood(): AsyncGenerator<Uint8Array> {
    while (!this.isOver) {
      this.said += 65_536;
      yield Buffer.alloc(65_536);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** Waits until the count stands still. */
async function heldUp(count: () => number): Promise<void> {
  for (let before = 0; before === 0 || before !== count();) {
    before = count();
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a client of a forwarded port', () => {
  const flooded = () => forwarded((headers) => new FloodedTunnel(headers));

  test('that never reads slows the cluster down, and is cut when its session is revoked', async () => {
    const { id, socket, tunnel } = await flooded();
    await heldUp(() => tunnel.said);
    // What the systems on both sides hold for it, and no more.
    expect(tunnel.said).toBeLessThan(20_000_000);
    const cut = async () => {
      await api.step(id, 'revoke', { endReason: 'revoked', endDetail: 'Alex ended it.' });
      await expect.poll(tunnels).toBe(0);
    };
    expect(await tookMs(cut)).toBeLessThan(1_000);
    await expect.poll(() => recording()?.end?.why).toBe('Alex ended it.');
    socket.destroy();
  });

  test('that floods waits until the cluster takes what it sent', async () => {
    const { socket, tunnel } = await flooded();
    const gate = Promise.withResolvers<undefined>();
    tunnel.held = gate.promise;
    socket.resume();
    const total = 40_000_000;
    socket.write(dataFrame(10_000_000));
    for (let sent = 10_000_008; sent < total; sent += 1_000_008) socket.write(dataFrame(1_000_000));
    await heldUp(() => socket.writableLength);
    expect(socket.writableLength).toBeGreaterThan(total / 2);
    gate.resolve(undefined);
    await expect.poll(() => tunnel.given, { timeout: 10_000 }).toBeGreaterThan(total - 1_000_008);
    socket.destroy();
    await expect.poll(tunnels).toBe(0);
  });
});
