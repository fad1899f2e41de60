import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PROTOCOLS } from '../../src/contract/terminal.schema.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { SilentTunnel } from '../support/in-memory.kubectl.js';
import { upgradeByHand, WEBSOCKET_HEADERS } from '../support/kube.client.js';
import { policyOf, setOf } from '../support/policies.js';
import { TerminalClient, ticketFor } from '../support/terminal.client.js';

let api: Api;
beforeAll(async () => {
  api = await startApi({
    set: setOf([
      policyOf('staging', { match: { namespaces: ['staging'] }, terms: { portForward: true } }),
    ]),
  });
  api.kubectl.pods.tunnel = (headers) => new SilentTunnel(headers);
});
afterAll(() => api.close());

let id: string;
let pod: string;
beforeEach(async () => {
  const { body } = await api.ask();
  id = body.id;
  pod = `${api.url}/kube/${id}/api/v1/namespaces/staging/pods/${body.pod.name}`;
  await api.step(id, 'start');
  await api.step(id, 'run', { startedAt: new Date() });
});

const PORTS = { ...WEBSOCKET_HEADERS, 'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io' };
/** What a proxy leaves that takes the connection's own headers away. */
const KEPT = { connection: 'keep-alive' };

const opened = () => [api.kubectl.enter.entries.length, api.kubectl.recorder.recordings.length];

describe('a request that names what to upgrade to, and asks for no upgrade', () => {
  test.each([
    ['exec', 'exec?command=cat&stdin=true&stdout=true', { ...WEBSOCKET_HEADERS, ...KEPT }],
    ['a port-forward', 'portforward', { ...PORTS, ...KEPT }],
    ['a port-forward by SPDY', 'portforward', { upgrade: 'SPDY/3.1', ...KEPT }],
  ])('is refused as %s, with nothing opened', async (_, path, headers) => {
    const before = opened();
    expect(await upgradeByHand(`${pod}/${path}`, headers)).toMatchObject({ httpStatus: 400 });
    expect(opened()).toEqual(before);
  });

  test('does not use a ticket up', async () => {
    const { ticket } = (await ticketFor(api, { id })).body as { ticket: string };
    const headers = {
      ...WEBSOCKET_HEADERS,
      ...KEPT,
      authorization: `Bearer ${ticket}`,
      'sec-websocket-protocol': PROTOCOLS.terminal,
    };
    const url = `${api.url}/v1/sessions/${id}/terminal`;
    expect(await upgradeByHand(url, headers)).toMatchObject({ httpStatus: 400 });
    const client = TerminalClient.connect(api.port, { id, ticket });
    await expect.poll(() => client.texts.length).toBeGreaterThan(0);
    client.leave();
  });
});

test('a WebSocket that is none is refused before anything is opened', async () => {
  const before = opened();
  for (const wrong of [
    { 'sec-websocket-key': 'short' },
    { 'sec-websocket-version': '7' },
  ] as const) {
    const headers = { ...WEBSOCKET_HEADERS, ...wrong };
    expect(await upgradeByHand(`${pod}/exec?command=cat`, headers)).toMatchObject({
      httpStatus: 400,
    });
  }
  expect(opened()).toEqual(before);
});
