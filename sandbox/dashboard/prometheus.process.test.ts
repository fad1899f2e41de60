import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { PrometheusProcess } from './prometheus.process.js';

const HAS_PROMETHEUS = spawnSync('prometheus', ['--version']).status === 0;
afterEach(() => vi.unstubAllEnvs());

test.skipIf(!HAS_PROMETHEUS)(
  'what a replica tells is scraped with its labels, and a query that is none is refused',
  async () => {
    await using opened = new AsyncDisposableStack();
    const told = createServer((_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
        .end('hallpass_a 7\n');
    }).listen(0, '127.0.0.1');
    await once(told, 'listening');
    opened.defer(() => {
      told.closeAllConnections();
      told.close();
    });
    const url = `http://127.0.0.1:${(told.address() as AddressInfo).port}`;
    const labels = { namespace: 'hallpass', pod: 'hallpass-0', job: 'hallpass' };
    const replicas = [{ url, labels }];
    const prometheus = opened.use(await PrometheusProcess.start({ replicas, everySeconds: 1 }));
    const over = () => {
      const to = Date.now() / 1000;
      return { from: to - 5, to, stepSeconds: 1 };
    };
    await expect
      .poll(async () => (await prometheus.range('hallpass_a', over()))[0], { timeout: 10_000 })
      .toMatchObject({ labels, points: expect.arrayContaining([[expect.any(Number), 7]]) as [] });
    await expect(prometheus.range('max(hallpass_a', over())).rejects.toThrow('in: max(hallpass_a');
  },
  30_000,
);

test('without a Prometheus it is said what to install', async () => {
  vi.stubEnv('PATH', '/nowhere');
  await expect(PrometheusProcess.start({ replicas: [], everySeconds: 1 })).rejects.toThrow(
    'Only this command needs one',
  );
});
