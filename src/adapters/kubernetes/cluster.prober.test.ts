import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { UNTRACED } from '../../app/ports/tracer.js';
import { CallSpans } from './call.spans.js';
import { ClusterConnection } from './cluster.connection.js';
import { ClusterProber } from './cluster.prober.js';
import { RETRY_LIMITS } from './retry.policy.js';
import { kubeconfigOfPort } from '../../../test/support/kubeconfig.js';

const SOON = { timeout: 8_000, interval: 10 };
const TIMES = { everyMs: 20, answerMs: 2_000, againFirstMs: 10, againLongestMs: 20 };
const RESOURCES = { resources: [{ name: 'pods', verbs: ['get'] }] };

/** Says which version it is, and what it has where it is to. */
let resources: object | undefined;
let asked: string[] = [];
const server = createServer((request, response) => {
  const path = request.url ?? '';
  asked.push(path);
  const found =
    path === '/version' ? { gitVersion: 'v1.36.2', major: '1', minor: '36' } : resources;
  response.writeHead(found ? 200 : 403, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found ?? { kind: 'Status', reason: 'Forbidden', code: 403 }));
});
const times = (path: string) => asked.filter((it) => it === path).length;

let folder: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  folder = await mkdtemp(join(tmpdir(), 'cluster-prober-'));
  const { port } = server.address() as AddressInfo;
  await writeFile(join(folder, 'kubeconfig'), kubeconfigOfPort(port));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** Cannot be looked after the first times. */
class OddConnection extends ClusterConnection {
  odd = 0;
  override refresh(): Promise<void> {
    if (this.odd-- > 0) throw new Error('nobody thought of this');
    return super.refresh();
  }
}

let opened: [ClusterProber, ClusterConnection][] = [];
afterEach(async () => {
  for (const [prober, connection] of opened) {
    await prober.stop();
    await connection.close();
  }
  opened = [];
  asked = [];
});

function probed({ odd = 0, lookAgainMs = 600_000 } = {}) {
  const warned: string[] = [];
  const log = {
    info: () => undefined,
    warn: (_: object, message: string) => void warned.push(message),
    error: () => undefined,
  };
  const kubeconfig = join(folder, 'kubeconfig');
  const settings = { name: 'prod', inCluster: false, kubeconfig, namespaces: [] };
  const calls = new CallSpans(UNTRACED, 'prod');
  const told = { calls, took: () => undefined };
  const connection = new OddConnection(settings, log, RETRY_LIMITS, told);
  connection.odd = odd;
  const prober = new ClusterProber(connection, 1, { ...TIMES, lookAgainMs });
  prober.start();
  opened.push([prober, connection]);
  return { state: () => connection.health.state(), warned };
}

test('a cluster that will not say what it has is not asked for that with every probe', async () => {
  resources = undefined;
  const { state } = probed();
  await expect.poll(() => times('/version'), SOON).toBeGreaterThan(5);
  expect(times('/api/v1')).toBe(1);
  expect(state()).toMatchObject({ state: 'reachable', version: 'v1.36.2', unsupported: null });
});

test('a cluster that would not say what it has is asked again, until it does', async () => {
  resources = undefined;
  const { state } = probed({ lookAgainMs: 10 });
  await expect.poll(() => times('/api/v1'), SOON).toBeGreaterThan(2);
  resources = RESOURCES;
  await expect.poll(() => state().unsupported, SOON).toContain('pods/ephemeralcontainers');
  const before = times('/api/v1');
  const probes = times('/version');
  await expect.poll(() => times('/version'), SOON).toBeGreaterThan(probes + 3);
  expect(times('/api/v1')).toBe(before);
});

test('what nobody thought of is told, and ends neither the process nor the looking after', async () => {
  resources = RESOURCES;
  const { state, warned } = probed({ odd: 2 });
  await expect.poll(() => state().state, SOON).toBe('reachable');
  expect(warned).toEqual([
    'a cluster could not be looked after',
    'a cluster could not be looked after',
  ]);
});
