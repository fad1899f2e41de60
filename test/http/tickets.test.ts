import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ticketDigest } from '../../src/domain/ticket.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { TerminalClient, refusalOf, ticketFor } from '../support/terminal.client.js';

let api: Api;
let id: string;
beforeEach(async () => {
  api = await startApi({ settings: { publicUrl: 'https://hallpass.example.com' } });
  id = (await api.ask()).body.id;
});
afterEach(() => api.close());

const INVALID = { status: 401, type: 'urn:hallpass:problem:invalid-ticket' };

async function ticket(over: object = {}): Promise<string> {
  return (await ticketFor(api, { id, ...over })).body.ticket;
}

describe('a ticket', () => {
  test('is told with its protocol, where it opens, and for how long', async () => {
    const { status, body } = await ticketFor(api, { id });
    const left = new Date(body.expiresAt).getTime() - api.clock.now().getTime();
    expect(status).toBe(201);
    expect(left).toBeGreaterThan(29_000);
    expect(left).toBeLessThanOrEqual(30_000);
    expect(body).toEqual({
      ticket: expect.stringMatching(/^[\w-]{43}$/),
      kind: 'terminal',
      expiresAt: expect.any(String),
      protocol: 'hallpass.terminal.v1',
      url: `wss://hallpass.example.com/v1/sessions/${id}/terminal`,
    });
  });

  test('is stored as its digest alone', async () => {
    const shown = await ticket();
    expect(api.streams.tickets.rows[0]?.digest).toBe(ticketDigest(shown));
    expect(JSON.stringify(api.streams.tickets.rows)).not.toContain(shown);
  });

  test('lets its person in as a subprotocol, of which the server names none but its own', async () => {
    const client = TerminalClient.connect(api.port, { id, ticket: await ticket() });
    await client.said('open');
    expect(client.socket.protocol).toBe('hallpass.terminal.v1');
    expect(client.socket.extensions).toBe('');
    expect(api.streams.entry.people).toEqual(['robin']);
    client.leave();
  });

  test('lets its person in as a bearer token too', async () => {
    const shown = await ticket();
    const client = TerminalClient.connect(api.port, {
      id,
      ticket: shown,
      protocols: ['hallpass.terminal.v1'],
      headers: { authorization: `Bearer ${shown}` },
    });
    await client.said('open');
    client.leave();
  });

  test('works once', async () => {
    const shown = await ticket();
    const client = TerminalClient.connect(api.port, { id, ticket: shown });
    await client.said('open');
    expect(await refusalOf(api.port, { id, ticket: shown })).toMatchObject(INVALID);
    client.leave();
  });

  test('works no longer than 30 seconds', async () => {
    const shown = await ticket();
    api.clock.advance(31);
    expect(await refusalOf(api.port, { id, ticket: shown })).toMatchObject(INVALID);
  });

  test.each([
    ['that was never given', 'A'.repeat(43)],
    ['that cannot be one', 'robin'],
    ['that is empty', ''],
  ])('%s lets nobody in', async (_, shown) => {
    const protocols = ['hallpass.terminal.v1', ...(shown ? [`hallpass.ticket.${shown}`] : [])];
    expect(await refusalOf(api.port, { id, ticket: shown, protocols })).toMatchObject(INVALID);
    expect(api.streams.entry.streams).toEqual([]);
  });

  test('is no access token, and an access token is no ticket', async () => {
    const answer = await api.call('readMe', { path: '/v1/me', who: await ticket() });
    expect(answer.status).toBe(401);
    const headers = { authorization: 'Bearer robin' };
    const protocols = ['hallpass.terminal.v1'];
    expect(await refusalOf(api.port, { id, ticket: '', protocols, headers })).toMatchObject(
      INVALID,
    );
  });

  test('of one session opens no other', async () => {
    const other = (await api.ask()).body.id;
    expect(await refusalOf(api.port, { id: other, ticket: await ticket() })).toMatchObject(INVALID);
  });

  test('of one kind opens no other', async () => {
    const watching = await ticket({ kind: 'watch', who: 'auditor' });
    expect(await refusalOf(api.port, { id, ticket: watching })).toMatchObject(INVALID);
    const entering = { id, ticket: await ticket(), kind: 'watch' } as const;
    expect(await refusalOf(api.port, entering)).toMatchObject(INVALID);
  });

  test('in the URL is not looked at, and refused', async () => {
    const query = `?ticket=${await ticket()}`;
    const protocols = ['hallpass.terminal.v1'];
    expect(await refusalOf(api.port, { id, ticket: '', protocols, query })).toMatchObject({
      status: 400,
    });
  });

  test('is not used up by a request that was wrong for another reason', async () => {
    const shown = await ticket();
    const headers = { origin: 'https://evil.example' };
    expect(await refusalOf(api.port, { id, ticket: shown, headers })).toMatchObject({
      status: 403,
    });
    const client = TerminalClient.connect(api.port, { id, ticket: shown });
    await client.said('open');
    client.leave();
  });
});

describe('a ticket for a terminal', () => {
  test.each([
    ['an approver', 'alex'],
    ['an auditor', 'auditor'],
    ['an admin', 'admin'],
  ] as const)('is not given to %s of the session', async (_, who) => {
    const payments = (await api.ask({ namespace: 'payments' })).body.id;
    const { status, body } = await ticketFor(api, { id: payments, who });
    expect([status, body.type]).toEqual([403, 'urn:hallpass:problem:forbidden']);
  });

  test('is not given to strangers, who learn nothing', async () => {
    const { status, body } = await ticketFor(api, { id, who: 'stranger' });
    expect([status, body.type]).toEqual([404, 'urn:hallpass:problem:not-found']);
  });

  test('is not given while a session waits for consents, nor once it is over', async () => {
    const pending = (await api.ask({ namespace: 'payments' })).body.id;
    const waiting = await ticketFor(api, { id: pending });
    expect([waiting.status, waiting.body.type]).toEqual([409, 'urn:hallpass:problem:not-running']);
    await api.call('endSession', { who: 'robin', method: 'POST', path: `/v1/sessions/${id}/end` });
    const over = await ticketFor(api, { id });
    expect([over.status, over.body.type]).toEqual([409, 'urn:hallpass:problem:not-running']);
  });

  test('is given 20 times to somebody who uses none, and no more until they expire', async () => {
    for (let count = 0; count < 20; count++)
      expect((await ticketFor(api, { id })).status).toBe(201);
    const refused = await ticketFor(api, { id });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30']);
    api.clock.advance(31);
    expect((await ticketFor(api, { id })).status).toBe(201);
  });

  test.each([{}, { kind: 'root' }, { kind: 'terminal', more: 1 }])(
    'is not given for %j',
    async (body) => {
      const path = `/v1/sessions/${id}/tickets`;
      const { status } = await api.call('issueTicket', {
        who: 'robin',
        method: 'POST',
        path,
        body,
      });
      expect(status).toBe(422);
    },
  );
});

describe('a connection', () => {
  test.each([
    ['a page of the address that people use', 'https://hallpass.example.com', true],
    ['a page of elsewhere', 'https://evil.example', false],
    ['the same name without TLS', 'http://hallpass.example.com', false],
    ['a page of no origin', 'null', false],
  ])('from %s: let in is %s', async (_, origin, isLetIn) => {
    const to = { id, ticket: await ticket(), headers: { origin } };
    if (isLetIn) {
      const client = TerminalClient.connect(api.port, to);
      await client.said('open');
      client.leave();
    } else expect(await refusalOf(api.port, to)).toMatchObject({ status: 403 });
  });

  test('from a page that the configuration names is let in, and then from no other', async () => {
    const named = await startApi({
      settings: {
        publicUrl: 'https://hallpass.example.com',
        origins: ['https://console.example.com'],
      },
    });
    const mine = (await named.ask()).body.id;
    const get = async () => (await ticketFor(named, { id: mine })).body.ticket as string;
    const headers = { origin: 'https://console.example.com' };
    const client = TerminalClient.connect(named.port, { id: mine, ticket: await get(), headers });
    await client.said('open');
    client.leave();
    const other = { origin: 'https://hallpass.example.com' };
    expect(
      await refusalOf(named.port, { id: mine, ticket: await get(), headers: other }),
    ).toMatchObject({ status: 403 });
    await named.close();
  });

  test('without the subprotocol is refused', async () => {
    const protocols = [`hallpass.ticket.${await ticket()}`];
    expect(await refusalOf(api.port, { id, ticket: '', protocols })).toMatchObject({
      status: 400,
      detail: expect.stringContaining('hallpass.terminal.v1'),
    });
  });

  test('that is none is answered with what to do', async () => {
    const { status, body } = await api.call('openTerminal', {
      path: `/v1/sessions/${id}/terminal`,
    });
    expect([status, body.type]).toEqual([400, 'urn:hallpass:problem:invalid-request']);
    expect(body.detail).toContain('WebSocket');
  });

  test.each([
    '?columns=0',
    '?rows=1001',
    '?tty=yes',
    '?stdin=1',
    '?shell=bash',
    `?${'command=x&'.repeat(65)}`,
    '?command=a%00b',
  ])('with %s is refused', async (query) => {
    expect(await refusalOf(api.port, { id, ticket: await ticket(), query })).toMatchObject({
      status: 400,
    });
  });
});

describe('who enters', () => {
  test.each([
    ['hallpass/1.2.3 linux', 'cli', 'cli'],
    ['Mozilla/5.0', 'api', 'console'],
  ])('with the client %s comes by the channel %s and the way %s', async (agent, channel, way) => {
    const headers = { 'user-agent': agent };
    const shown = await ticket({ headers });
    const client = TerminalClient.connect(api.port, { id, ticket: shown });
    await client.said('open');
    const [stream] = api.streams.entry.streams;
    expect(stream?.caller.actor).toMatchObject({
      channel,
      address: '127.0.0.1',
      requestId: expect.any(String),
    });
    expect(stream?.caller.roles).toEqual(['requester']);
    expect(stream?.entry.way).toBe(way);
    client.leave();
  });
});
