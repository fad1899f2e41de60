import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SocketSettings } from '../../src/adapters/http/socket.settings.js';
import { SOCKETS } from '../../src/adapters/http/socket.settings.js';
import { WebSockets } from '../../src/adapters/http/web.sockets.js';
import type { OutputChunk } from '../../src/app/ports/cluster.streams.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import type { PlayedStream } from '../support/in-memory.doors.js';
import { tookMs } from '../support/own.time.js';
import { TerminalClient, rawConnection, ticketFor } from '../support/terminal.client.js';

let api: Api;
afterEach(() => api.close());

/** What may wait in one direction: the bound, and one message that was on its way. */
const WAITING_MAX = 2 * 262_144 + 65_536;

async function start(sockets: Partial<SocketSettings> = {}): Promise<string> {
  api = await startApi({ settings: { sockets: { ...SOCKETS, ...sockets } } });
  return (await api.ask()).body.id;
}

const sockets = () => api.app.get(WebSockets);
const until = (holds: () => void) => vi.waitFor(holds, { timeout: 9_000, interval: 5 });

/** Opens a terminal in which somebody prints without end, and counts what was taken of it. */
async function flooded(id: string) {
  const taken = { bytes: 0 };
  api.streams.entry.prepare = (stream) => {
    stream.output = flood(stream, taken);
  };
  const client = await TerminalClient.open(api, { id });
  const stream = api.streams.entry.streams.at(-1);
  if (!stream) throw new Error('nobody entered');
  return { client, stream, taken };
}

async function* flood(stream: PlayedStream, taken: { bytes: number }): AsyncGenerator<OutputChunk> {
  while (!stream.over) {
    taken.bytes += 65_536;
    yield { stream: 'stdout', data: Buffer.alloc(65_536, 'x') };
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Waits until the client's system takes nothing more, so that the process is held up: not for one turn only. */
async function heldUp(taken: { readonly bytes: number }): Promise<void> {
  for (let before = -1; before !== taken.bytes;) {
    await until(() => expect(sockets().waitingBytes).toBeGreaterThan(262_144));
    before = taken.bytes;
    // In each of them the process would have printed.
    await turns(200);
  }
}

describe('a client that never reads', () => {
  test('slows the process down, while little waits for it', async () => {
    const id = await start();
    const { client, stream, taken } = await flooded(id);
    client.socket.pause();
    await heldUp(taken);
    const before = taken.bytes;
    expect(sockets().waitingBytes).toBeLessThan(WAITING_MAX);
    client.socket.resume();
    await until(() => expect(taken.bytes).toBeGreaterThan(before));
    stream.end({ kind: 'exited', code: 0 });
    expect(await client.closed()).toBe(1000);
    expect(client.bytes().length).toBe(taken.bytes);
  });

  test('is cut after a while, and the stream is left', async () => {
    const id = await start({ stalledSeconds: 0.3, pingSeconds: 0.15 });
    const { client, stream } = await flooded(id);
    client.socket.pause();
    await until(() => expect(stream.over).toEqual({ kind: 'left' }));
    await until(() => expect(sockets().count).toBe(0));
    client.leave();
  });

  test('is cut at once when its session is revoked', async () => {
    const id = await start({ closeSeconds: 0.2 });
    const { client, stream, taken } = await flooded(id);
    client.socket.pause();
    await heldUp(taken);
    const cut = async () => {
      stream.end({ kind: 'session-over', reason: 'revoked', detail: 'Alex ended it.' });
      await until(() => expect(sockets().count).toBe(0));
    };
    expect(await tookMs(cut)).toBeLessThan(1_000);
    client.leave();
  });

  test('and pings without end is not answered without end', async () => {
    const id = await start({ emptyBurstMax: 1e9 });
    const { client, stream, taken } = await flooded(id);
    client.socket.pause();
    await heldUp(taken);
    const ping = Buffer.alloc(125);
    for (let count = 0; count < 50_000; count++) client.socket.ping(ping);
    client.say({ type: 'resize', columns: 7, rows: 7 });
    // All that came before has been read then.
    await until(() => expect(stream.sizes).toHaveLength(1));
    expect(sockets().waitingBytes).toBeLessThan(WAITING_MAX);
    client.leave();
  });
});

describe('a client that floods', () => {
  test('waits until what it sent is taken, while little waits here', async () => {
    const id = await start();
    const client = await TerminalClient.open(api, { id });
    const [stream] = api.streams.entry.streams;
    if (!stream) throw new Error('nobody entered');
    const gate = Promise.withResolvers<undefined>();
    stream.held = gate.promise;
    const total = 40_000_000;
    for (let sent = 0; sent < total; sent += 40_000) client.type(Buffer.alloc(40_000, 'y'));
    await until(() => expect(sockets().waitingBytes).toBeGreaterThan(262_144));
    const stuck = client.socket.bufferedAmount;
    expect(stuck).toBeGreaterThan(1_000_000);
    expect(sockets().waitingBytes).toBeLessThan(WAITING_MAX);
    stream.held = undefined;
    gate.resolve(undefined);
    await until(() => expect(stream.typed.reduce((sum, it) => sum + it.length, 0)).toBe(total));
    client.leave();
  });

  test('with single bytes is held up as well', async () => {
    const id = await start();
    const client = await TerminalClient.open(api, { id });
    const [stream] = api.streams.entry.streams;
    if (!stream) throw new Error('nobody entered');
    const gate = Promise.withResolvers<undefined>();
    stream.held = gate.promise;
    for (let count = 0; count < 50_000; count++) client.type('z');
    await until(() => expect(sockets().waitingBytes).toBeGreaterThan(262_144));
    let most = 0;
    for (let turn = 0; turn < 300; turn++) {
      await turns(1);
      most = Math.max(most, sockets().waitingBytes);
    }
    // What one read of the socket brought may still have been taken.
    expect(most).toBeLessThan(4 * WAITING_MAX);
    stream.held = undefined;
    gate.resolve(undefined);
    await until(() => expect(stream.text.length).toBe(50_000));
    client.leave();
  });
});

describe('a peer', () => {
  test('that is silent is cut, and its stream is left', async () => {
    const id = await start({ pingSeconds: 0.1, silentSeconds: 0.4 });
    const { body } = await ticketFor(api, { id });
    // By hand: nobody answers the pings.
    const { socket } = await rawConnection(api.port, { id, ticket: body.ticket });
    await until(() => expect(api.streams.entry.streams).toHaveLength(1));
    const [stream] = api.streams.entry.streams;
    await until(() => expect(stream?.over).toEqual({ kind: 'left' }));
    socket.destroy();
  });

  test('that answers pings stays for as long as it likes', async () => {
    // A busy machine may be late with an answer by more than a moment.
    const id = await start({ pingSeconds: 0.15, silentSeconds: 1.5 });
    const client = await TerminalClient.open(api, { id });
    let pings = 0;
    client.socket.on('ping', () => pings++);
    await until(() => expect(pings).toBeGreaterThan(12));
    expect(client.code).toBeUndefined();
    client.leave();
  });
});
