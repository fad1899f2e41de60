import { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PortForwards } from '../../src/adapters/http/kube/port.forwards.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { SilentTunnel } from '../support/in-memory.kubectl.js';
import { upgradeByHand } from '../support/kube.client.js';
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
const recording = () => api.kubectl.recorder.recordings.at(-1);
const tunnels = () => api.app.get(PortForwards).count;

async function running(): Promise<{ readonly id: string; readonly path: string }> {
  const { body } = await api.ask();
  await api.step(body.id, 'start');
  await api.step(body.id, 'run', { startedAt: new Date() });
  const path = `/kube/${body.id}/api/v1/namespaces/staging/pods/${body.pod.name}/portforward`;
  return { id: body.id, path: `${api.url}${path}` };
}

/** Ports of a session, forwarded to a cluster that takes everything and says nothing. */
async function forwarded() {
  const session = await running();
  const asked = Promise.withResolvers<SilentTunnel>();
  api.kubectl.pods.tunnel = (headers) => {
    const tunnel = new SilentTunnel(headers);
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
  const { socket, tunnel } = await forwarded();
  const before = api.kubectl.live.counts().forward.bytesIn;
  socket.write(Buffer.concat([PING, dataFrame(500), PING]));
  await expect.poll(() => Buffer.concat(tunnel.taken).length).toBe(532);
  expect(api.kubectl.live.counts().forward.bytesIn - before).toBe(500);
  socket.destroy();
  await expect.poll(() => recording()?.end).toEqual({ exitCode: null, why: 'left' });
  expect(tunnels()).toBe(0);
});
