import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readClientEnvironment } from '../../config/client.environment.js';
import type { BrokerCall } from './broker.client.js';
import { BrokerClient } from './broker.client.js';
import { CommandFailure } from './command.failure.js';
import { EXIT } from './exit.codes.js';

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

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const WELL: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
};
const CUT: Answer = (request) => request.socket.destroy();
const CUT_IN_ITS_ANSWER: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': 100 }).write('{');
  setImmediate(() => request.socket.destroy());
};
const PROXY: Answer = (_, response) => {
  response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
};
const REFUSAL: Answer = (_, response) => {
  const type = 'urn:hallpass:problem:too-busy';
  const problem = { type, title: 'Busy', status: 503, detail: 'Later.', instance: 'urn:request:1' };
  response.writeHead(503, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
};

/** What one call comes to of a server that answers so, one time after the other; and what was sent. */
async function called(answers: readonly Answer[], call: BrokerCall) {
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    (answers[keys.length - 1] ?? WELL)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new BrokerClient(`http://127.0.0.1:${port}`, () => Promise.resolve('token'), {
    version: '1',
    env: readClientEnvironment({ HOME: '/' }),
  });
  const outcome = await client.call('/v1/sessions', z.looseObject({}), call).then(
    () => 'answered',
    (error: unknown) => String(error),
  );
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return { outcome, keys };
}

describe('where a replica goes while it is asked', () => {
  const ASK = { method: 'POST', body: {}, headers: { 'idempotency-key': '"one"' } } as const;

  test.each([
    ['a connection that breaks', CUT],
    ['an answer that breaks off', CUT_IN_ITS_ANSWER],
    ['a proxy that finds nobody', PROXY],
  ])('%s is tried again, with the same key', async (_, broken) => {
    const { outcome, keys } = await called([broken, broken], ASK);
    expect({ outcome, keys }).toEqual({ outcome: 'answered', keys: ['"one"', '"one"', '"one"'] });
    expect((await called([broken], {})).outcome).toBe('answered');
  });

  test('it is told after three tries', async () => {
    const { outcome, keys } = await called([CUT, CUT, CUT], ASK);
    expect(outcome).toContain('does not answer');
    expect(keys).toHaveLength(3);
  });

  test('what would be done twice is sent once, and what Hallpass refuses is refused', async () => {
    expect((await called([CUT], { method: 'POST', body: {} })).keys).toHaveLength(1);
    const { outcome, keys } = await called([REFUSAL], ASK);
    expect(outcome).toContain('Busy: Later.');
    expect(keys).toHaveLength(1);
  });
});

test('a token that nobody gives is asked for once, however often the call could be sent', async () => {
  let asked = 0;
  const token = () => {
    asked += 1;
    return Promise.reject(new CommandFailure(EXIT.unreachable, 'The issuer does not answer.'));
  };
  const env = readClientEnvironment({ HOME: '/' });
  const client = new BrokerClient('http://127.0.0.1:1', token, { version: '1', env });
  await expect(client.call('/v1/me', z.looseObject({}))).rejects.toThrow('The issuer');
  expect(asked).toBe(1);
});
