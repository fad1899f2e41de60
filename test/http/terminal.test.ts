import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SOCKETS } from '../../src/adapters/http/socket.settings.js';
import { WebSockets } from '../../src/adapters/http/web.sockets.js';
import type { StreamEnd } from '../../src/app/enter-session.js';
import { problem } from '../../src/domain/problem.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import type { PlayedStream } from '../support/in-memory.doors.js';
import { TerminalClient, rawConnection, refusalOf, ticketFor } from '../support/terminal.client.js';

let api: Api;
let id: string;
beforeEach(async () => {
  api = await startApi({ settings: { sockets: { ...SOCKETS, perPersonMax: 3 } } });
  id = (await api.ask()).body.id;
});
afterEach(() => api.close());

const sockets = () => api.app.get(WebSockets);

async function enter(query = ''): Promise<{ client: TerminalClient; stream: PlayedStream }> {
  const client = await TerminalClient.open(api, { id, query });
  const stream = api.streams.entry.streams.at(-1);
  if (!stream) throw new Error('nobody entered');
  return { client, stream };
}

/** Waits until something is so. */
const until = (holds: () => void) => vi.waitFor(holds, { timeout: 8_000, interval: 5 });

describe('a terminal', () => {
  test('is opened as it was asked for', async () => {
    const { client, stream } = await enter('?columns=132&rows=50');
    expect(client.texts[0]).toEqual({ type: 'open', session: id, recording: stream.recording });
    expect(stream.entry).toEqual({
      session: id,
      kind: 'terminal',
      way: 'console',
      command: null,
      tty: true,
      stdin: true,
      size: { columns: 132, rows: 50 },
    });
    client.leave();
  });

  test('of one command has no tty and takes input, unless it is said otherwise', async () => {
    const plain = await enter('?command=ls&command=-l');
    expect(plain.stream.entry).toMatchObject({
      kind: 'exec',
      command: ['ls', '-l'],
      tty: false,
      stdin: true,
      size: { columns: 80, rows: 24 },
    });
    const other = await enter('?command=top&tty=true&stdin=false');
    expect(other.stream.entry).toMatchObject({ command: ['top'], tty: true, stdin: false });
    for (const { client } of [plain, other]) client.leave();
  });

  test('shows both outputs apart, and passes on what is typed, byte for byte', async () => {
    const { client, stream } = await enter();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    stream.print(bytes);
    stream.print('oh', 'stderr');
    // Half a character, and bytes that are no text.
    client.type(Buffer.of(0xf0, 0x9f));
    client.type(bytes);
    await until(() => expect(client.bytes(1)).toEqual(bytes));
    await until(() => expect(client.bytes(2).toString()).toBe('oh'));
    await until(() =>
      expect(Buffer.concat(stream.typed)).toEqual(Buffer.concat([Buffer.of(0xf0, 0x9f), bytes])),
    );
    client.leave();
  });

  test('takes what is typed before it is open, and keeps it in order', async () => {
    const gate = Promise.withResolvers<undefined>();
    api.streams.entry.held = gate.promise;
    const { body } = await ticketFor(api, { id });
    const client = TerminalClient.connect(api.port, { id, ticket: body.ticket });
    await until(() => expect(client.socket.readyState).toBe(client.socket.OPEN));
    client.type('early ');
    client.say({ type: 'resize', columns: 99, rows: 9 });
    client.type('bird');
    gate.resolve(undefined);
    await client.said('open');
    const [stream] = api.streams.entry.streams;
    await until(() => expect(stream?.text).toBe('early bird'));
    expect(stream?.sizes).toEqual([{ columns: 99, rows: 9 }]);
    client.leave();
  });

  test('takes a paste of megabytes, in order and whole', async () => {
    const { client, stream } = await enter();
    const paste = randomBytes(5_000_000);
    for (let at = 0; at < paste.length; at += 32_768) client.type(paste.subarray(at, at + 32_768));
    const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
    await until(() => expect(stream.typed.reduce((sum, it) => sum + it.length, 0)).toBe(5_000_000));
    expect(digest(Buffer.concat(stream.typed))).toBe(digest(paste));
    client.leave();
  });

  test('ends its input without ending itself', async () => {
    const { client, stream } = await enter('?command=sort');
    client.type('b\na\n');
    client.socket.send(Buffer.of(255, 0));
    await until(() => expect(stream.inputClosed).toBe(true));
    expect(stream.text).toBe('b\na\n');
    stream.print('a\nb\n');
    await until(() => expect(client.bytes().toString()).toBe('a\nb\n'));
    expect(client.code).toBeUndefined();
    client.leave();
  });

  test('tells notices apart from output', async () => {
    const { client, stream } = await enter();
    stream.notices.put({ kind: 'deadline', text: 'Five minutes are left.' });
    expect(await client.said('notice')).toEqual({
      type: 'notice',
      kind: 'deadline',
      text: 'Five minutes are left.',
    });
    expect(client.bytes().length).toBe(0);
    client.leave();
  });

  test('lets types of messages pass that it does not know', async () => {
    const { client, stream } = await enter();
    client.say({ type: 'applause', loud: true });
    client.type('still here');
    await until(() => expect(stream.text).toBe('still here'));
    client.leave();
  });

  test('is left by a client that goes, and its session is not', async () => {
    const { client, stream } = await enter();
    client.socket.close(1000);
    await until(() => expect(stream.over).toEqual({ kind: 'left' }));
    expect(await client.closed()).toBe(1000);
    await until(() => expect(sockets().count).toBe(0));
    expect((await api.store.find(stream.entry.session))?.state).toBe('approved');
  });

  test('is given up while it waits, where its client goes', async () => {
    const gate = Promise.withResolvers<undefined>();
    api.streams.entry.held = gate.promise;
    const { body } = await ticketFor(api, { id });
    const client = TerminalClient.connect(api.port, { id, ticket: body.ticket });
    await until(() => expect(client.socket.readyState).toBe(client.socket.OPEN));
    client.leave();
    await until(() => expect(api.streams.entry.givenUp).toBe(1));
    gate.resolve(undefined);
    await until(() => expect(api.streams.entry.streams[0]?.over).toEqual({ kind: 'left' }));
  });
});

describe('the end of a terminal', () => {
  const PROBLEM = problem('recording-unavailable', 'The store is away.');
  const ENDS: [StreamEnd, number, object?][] = [
    [{ kind: 'exited', code: 0 }, 1000],
    [{ kind: 'exited', code: 137 }, 1000],
    [{ kind: 'session-over', reason: 'revoked', detail: 'Alex ended it.' }, 1000],
    [{ kind: 'left' }, 1000],
    [{ kind: 'lost', detail: 'The node is gone.' }, 4502],
    [{ kind: 'shutdown' }, 1001],
    [
      { kind: 'refused', problem: PROBLEM },
      4503,
      {
        type: 'urn:hallpass:problem:recording-unavailable',
        title: 'What happens cannot be recorded',
        status: 503,
        detail: 'The store is away.',
      },
    ],
  ];

  test.each(ENDS)('%j is told after all output, with the code %i', async (end, code, told) => {
    const { client, stream } = await enter();
    stream.print('last words');
    stream.notices.put({ kind: 'idle', text: 'Nothing was typed.' });
    stream.end(end);
    expect(await client.closed()).toBe(code);
    expect(client.bytes().toString()).toBe('last words');
    expect(client.texts.map(({ type }) => type)).toEqual(['open', 'notice', 'end']);
    expect(client.texts.at(-1)).toEqual({
      type: 'end',
      ...(told ? { kind: 'refused', problem: told } : end),
    });
  });

  test('comes after megabytes of output, and loses none of them', async () => {
    const { client, stream } = await enter('?command=cat');
    const output = randomBytes(8_000_000);
    for (let at = 0; at < output.length; at += 100_000)
      stream.print(output.subarray(at, at + 100_000));
    stream.end({ kind: 'exited', code: 3 });
    expect(await client.closed()).toBe(1000);
    expect(client.bytes().equals(output)).toBe(true);
    expect(client.texts.at(-1)).toEqual({ type: 'end', kind: 'exited', code: 3 });
  });

  test.each([
    [problem('not-found', 'No.'), 4404],
    [problem('not-running', 'It waits.'), 4409],
    [problem('way-not-allowed', 'No.'), 4403],
    [problem('too-many-streams', 'Enough.'), 4429],
  ])('where nobody is let in says why: %j', async (refusal, code) => {
    api.streams.entry.refusal = refusal;
    const { body } = await ticketFor(api, { id });
    const client = TerminalClient.connect(api.port, { id, ticket: body.ticket });
    expect(await client.closed()).toBe(code);
    expect(client.texts).toMatchObject([
      { type: 'end', kind: 'refused', problem: { detail: refusal.detail, status: code - 4000 } },
    ]);
  });

  test.each([
    ['a bug', new Error('secret inside'), 4500],
    ['a database that is away', new Error('database away'), 4503],
  ])('by %s says nothing of its cause', async (_, error, code) => {
    api.streams.entry.broken = error;
    const { body } = await ticketFor(api, { id });
    const client = TerminalClient.connect(api.port, { id, ticket: body.ticket });
    expect(await client.closed()).toBe(code);
    expect(JSON.stringify(client.texts)).not.toContain(error.message);
  });

  test('by the stop of this replica is told to everybody, also to those who wait', async () => {
    const { client, stream } = await enter();
    api.streams.entry.held = new Promise<undefined>(() => undefined);
    const { body } = await ticketFor(api, { id });
    const waiting = TerminalClient.connect(api.port, { id, ticket: body.ticket });
    await until(() => expect(waiting.socket.readyState).toBe(waiting.socket.OPEN));
    await api.app.close();
    for (const each of [client, waiting]) {
      expect(await each.closed()).toBe(1001);
      expect(each.texts.at(-1)).toEqual({ type: 'end', kind: 'shutdown' });
    }
    expect(stream.over).toEqual({ kind: 'left' });
    expect(api.streams.entry.givenUp).toBe(2);
    api = await startApi();
  });
});

describe('a client', () => {
  test.each([
    ['on an unknown channel', Buffer.of(3, 1)],
    ['on a channel of output', Buffer.from('\u0001x')],
    ['to close another channel', Buffer.of(255, 1)],
    ['without a channel', Buffer.alloc(0)],
    ['that is no JSON', 'resize'],
    ['without a type', '{}'],
    ['that resizes to nothing', '{"type":"resize","columns":0,"rows":1}'],
    ['that is a long text', `{"type":"x","y":"${'z'.repeat(5_000)}"}`],
  ])('that sends a message %s is cut, and told why', async (_, message) => {
    const { client, stream } = await enter();
    client.socket.send(message);
    expect(await client.closed()).toBe(4400);
    expect(client.texts.at(-1)).toMatchObject({
      kind: 'refused',
      problem: { type: 'urn:hallpass:problem:invalid-request' },
    });
    await until(() => expect(stream.over).toEqual({ kind: 'left' }));
  });

  test('that sends a message larger than 256 KiB is cut', async () => {
    const { client, stream } = await enter();
    client.type(Buffer.alloc(262_144));
    expect(await client.closed()).toBe(1009);
    expect(stream.typed).toEqual([]);
    await until(() => expect(stream.over).toEqual({ kind: 'left' }));
  });

  test.each([
    ['pings', (client: TerminalClient) => client.socket.ping()],
    ['resizes', (client: TerminalClient) => client.say({ type: 'resize', columns: 9, rows: 9 })],
    ['empty messages', (client: TerminalClient) => client.type('')],
  ])('that floods with %s is cut', async (_, send) => {
    const { client, stream } = await enter();
    for (let count = 0; count < 2_000; count++) send(client);
    expect(await client.closed()).toBe(4429);
    await until(() => expect(stream.over).toEqual({ kind: 'left' }));
  });

  test('that drops in the middle of a frame leaves, and what it began is not typed', async () => {
    const { body } = await ticketFor(api, { id });
    const { socket, response } = await rawConnection(api.port, { id, ticket: body.ticket });
    expect(response.headers['sec-websocket-extensions']).toBeUndefined();
    await until(() => expect(api.streams.entry.streams).toHaveLength(1));
    // A masked binary frame of 1,000 bytes, of which ten come.
    socket.write(Buffer.concat([Buffer.of(0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0), Buffer.alloc(10)]));
    socket.destroy();
    const [stream] = api.streams.entry.streams;
    await until(() => expect(stream?.over).toEqual({ kind: 'left' }));
    expect(stream?.typed).toEqual([]);
    await until(() => expect(sockets().count).toBe(0));
  });

  test('that does not speak WebSocket is cut', async () => {
    const { body } = await ticketFor(api, { id });
    const { socket } = await rawConnection(api.port, { id, ticket: body.ticket });
    await until(() => expect(api.streams.entry.streams).toHaveLength(1));
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await until(() => expect(api.streams.entry.streams[0]?.over).toEqual({ kind: 'left' }));
  });

  test('that says it closes and then does nothing is left behind', async () => {
    const { body } = await ticketFor(api, { id });
    const { socket } = await rawConnection(api.port, { id, ticket: body.ticket });
    await until(() => expect(api.streams.entry.streams).toHaveLength(1));
    // A masked close frame with the code 1000.
    socket.write(Buffer.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8));
    const [stream] = api.streams.entry.streams;
    const printing = setInterval(() => stream?.print('x'), 5);
    await until(() => expect(stream?.over).toEqual({ kind: 'left' }));
    clearInterval(printing);
    await until(() => expect(sockets().count).toBe(0));
  });

  test('has so many connections and no more', async () => {
    const clients = [await enter(), await enter(), await enter()];
    const { body } = await ticketFor(api, { id });
    expect(await refusalOf(api.port, { id, ticket: body.ticket })).toMatchObject({ status: 429 });
    clients[0]?.client.leave();
    await until(() => expect(sockets().count).toBe(2));
    clients.push(await enter());
    for (const { client } of clients) client.leave();
  });
});
