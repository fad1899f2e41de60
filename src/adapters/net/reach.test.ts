import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Unseen } from '../../domain/doctor/finding.js';
import { listenerOf, reach } from './reach.js';

const signal = () => AbortSignal.timeout(2_000);

test('connects and sends nothing; who does not speak TLS where it is asked for is not reached', async () => {
  let received = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received += bytes.length;
      socket.end('what is this?');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await reach(listenerOf(`http://127.0.0.1:${port}/hook`), signal())).toBe('reached');
  expect(received).toBe(0);
  expect(await reach(listenerOf(`https://127.0.0.1:${port}`), signal())).toBeInstanceOf(Unseen);
  await new Promise((resolve) => server.close(resolve));
  const away = await reach(listenerOf(`http://127.0.0.1:${port}`), signal());
  expect(away).toMatchObject({ why: expect.stringContaining('ECONNREFUSED') });
});

test('who never answers is given up when the time is up', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const tls = { host: '127.0.0.1', port, tls: true, caPem: null };
  expect(await reach(tls, AbortSignal.timeout(50))).toBeInstanceOf(Unseen);
  server.close();
});
