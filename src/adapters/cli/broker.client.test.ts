import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readClientEnvironment } from '../../config/client.environment.js';
import { BrokerClient } from './broker.client.js';

test('calls are part of the trace that the environment names, and of none where it names none', async () => {
  const came: unknown[] = [];
  const server = createServer((request, response) => {
    came.push(request.headers['traceparent']);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  for (const TRACEPARENT of [traceparent, `${traceparent}\r\nx-other: 1`, '']) {
    const env = readClientEnvironment({ HOME: '/', TRACEPARENT });
    const token = () => Promise.resolve(undefined);
    const client = new BrokerClient(`http://127.0.0.1:${port}`, token, { version: '1', env });
    await client.call('/v1/me', z.looseObject({}));
  }
  expect(came).toEqual([traceparent, undefined, undefined]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
