import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ServerOptions, WebSocket } from 'ws';
import { tookMs } from '../../../test/support/own.time.js';
import type { ChannelEnd, ChannelLimits } from './channel.client.js';
import { CHANNEL, CHANNEL_LIMITS, ChannelConnection, connectChannels } from './channel.client.js';

const QUICK: ChannelLimits = { openMs: 5_000, pingEveryMs: 30, deadAfterMs: 150 };
/** For one that lives: a busy machine may be late with an answer by more than a moment. */
const LIVELY: ChannelLimits = { openMs: 5_000, pingEveryMs: 100, deadAfterMs: 1_000 };
const PATIENT: ChannelLimits = { openMs: 2_000, pingEveryMs: 1_000, deadAfterMs: 10_000 };

let http: Server;
let sockets: Set<Socket>;
beforeEach(async () => {
  http = createServer((_, response) => response.writeHead(404).end());
  sockets = new Set();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  http.close();
  await once(http, 'close');
});

/** Accepts upgrades with v5, or what `options` say; each accepted socket is given to `onOpen`. */
function serve(onOpen: (socket: WebSocket) => void, options: ServerOptions = {}): void {
  const server = new WebSocketServer({ noServer: true, ...options });
  http.on('upgrade', (request, socket, head) => {
    server.handleUpgrade(request, socket, head, onOpen);
  });
}

function refuse(text: string): void {
  http.on('upgrade', (_, socket) => socket.end(text));
}

/** A connection, and what it told. */
async function connect(limits = PATIENT, signal: AbortSignal = new AbortController().signal) {
  const frames: [number, string][] = [];
  let told: ChannelEnd | undefined;
  const ended = Promise.withResolvers<ChannelEnd>();
  let arrived: () => void = () => undefined;
  const { port } = http.address() as AddressInfo;
  const opened = await connectChannels({
    url: new URL(`ws://127.0.0.1:${port}/exec`),
    options: { headers: { Authorization: 'Bearer a-token-to-keep' } },
    limits,
    signal,
    handlers: {
      onFrame: (channel, data) => {
        expect(told).toBeUndefined();
        frames.push([channel, data.toString()]);
        arrived();
      },
      onEnd: (end) => {
        expect(told).toBeUndefined();
        told = end;
        ended.resolve(end);
      },
    },
  });
  const untilFrames = async (count: number) => {
    while (frames.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    return frames;
  };
  return { opened, ended: ended.promise, frames, untilFrames };
}

function open(it: unknown): ChannelConnection {
  if (it instanceof ChannelConnection) return it;
  throw new Error(`not open: ${JSON.stringify(it)}`);
}

/** The number once it is the same for a while. */
async function settled(count: () => number): Promise<number> {
  let before = { count: count(), at: performance.now() };
  await expect
    .poll(
      () => {
        if (count() !== before.count) before = { count: count(), at: performance.now() };
        return performance.now() - before.at;
      },
      { interval: 10 },
    )
    .toBeGreaterThan(100);
  return before.count;
}

const frame = (channel: number, text: string) =>
  Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

describe('a connection of channels', () => {
  it('carries frames both ways, in order, the empty first one included', async () => {
    const heard: Buffer[] = [];
    serve((socket) => {
      socket.send(frame(CHANNEL.stdout, ''));
      socket.on('message', (data: Buffer) => {
        heard.push(data);
        socket.send(frame(CHANNEL.stderr, `${heard.length}`));
      });
    });
    const { opened, ended, untilFrames } = await connect();
    const connection = open(opened);
    expect(connection.protocol).toBe('v5.channel.k8s.io');
    expect(await connection.send(CHANNEL.stdin, 'ls é\n')).toBe(true);
    expect(await connection.resize({ columns: 120, rows: 30 })).toBe(true);
    expect(await connection.closeInput()).toBe(true);
    expect(await untilFrames(4)).toEqual([
      [1, ''],
      [2, '1'],
      [2, '2'],
      [2, '3'],
    ]);
    expect(heard).toEqual([
      frame(0, 'ls é\n'),
      frame(4, '{"Width":120,"Height":30}'),
      Buffer.of(255, 0),
    ]);
    connection.close();
    expect(await ended).toEqual({ code: 1000 });
    expect(await connection.send(CHANNEL.stdin, 'x')).toBe(false);
  });

  it('offers v5 before v4, and does not close a single stream under v4', async () => {
    let offered: string[] = [];
    let heard = 0;
    serve((socket) => socket.on('message', () => heard++), {
      handleProtocols: (protocols) => {
        offered = [...protocols];
        return 'v4.channel.k8s.io';
      },
    });
    const { opened, ended } = await connect();
    const connection = open(opened);
    expect(offered).toEqual(['v5.channel.k8s.io', 'v4.channel.k8s.io']);
    expect(await connection.closeInput()).toBe(false);
    connection.close();
    await ended;
    expect(heard).toBe(0);
  });

  it('tells how the server closed it, after all frames before', async () => {
    serve((socket) => {
      socket.send(frame(CHANNEL.status, '{"status":"Success"}'));
      socket.close(1000);
    });
    const { ended, frames } = await connect();
    expect(await ended).toEqual({ code: 1000 });
    expect(frames).toEqual([[3, '{"status":"Success"}']]);
  });

  it('that is cut without a word ends with 1006', async () => {
    serve((socket) => socket.terminate());
    const { ended } = await connect();
    expect(await ended).toMatchObject({ code: 1006 });
  });

  it('ends when the other side gives no sign of life', async () => {
    serve(() => undefined, { autoPong: false });
    const { ended } = await connect(QUICK);
    expect(await ended).toMatchObject({
      code: 1006,
      cause: new Error('the other side gives no sign of life'),
    });
  });

  it('is given a minute for a sign of life: while input is not taken, a server reads no pings', async () => {
    serve(() => undefined, { autoPong: false });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    try {
      const { opened, ended } = await connect(CHANNEL_LIMITS);
      const connection = open(opened);
      vi.advanceTimersByTime(59_000);
      expect(await connection.send(CHANNEL.stdin, 'x')).toBe(true);
      vi.advanceTimersByTime(6_000);
      expect(await ended).toMatchObject({ code: 1006 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('lives on, however little is said, while the other side answers pings', async () => {
    let pings = 0;
    const enough = Promise.withResolvers<true>();
    serve((socket) => socket.on('ping', () => (++pings === 12 ? enough.resolve(true) : undefined)));
    const { opened, ended } = await connect(LIVELY);
    await enough.promise;
    open(opened).close();
    expect(await ended).toEqual({ code: 1000 });
  });

  it('that is not read for longer than that is not taken for dead', async () => {
    const served = Promise.withResolvers<WebSocket>();
    serve((socket) => served.resolve(socket));
    const { opened, ended, untilFrames, frames } = await connect(LIVELY);
    const connection = open(opened);
    connection.pause();
    (await served.promise).send(frame(CHANNEL.stdout, 'late'));
    const pausedAt = performance.now();
    await expect.poll(() => performance.now() - pausedAt).toBeGreaterThan(LIVELY.deadAfterMs * 1.5);
    expect(frames).toEqual([]);
    connection.resume();
    expect(await untilFrames(1)).toEqual([[1, 'late']]);
    connection.terminate();
    await ended;
  });

  it('that is not read is pinged all the same, so that nothing between takes it for idle', async () => {
    let pings = 0;
    serve((socket) => socket.on('ping', () => pings++));
    const { opened, ended } = await connect(QUICK);
    open(opened).pause();
    await expect.poll(() => pings).toBeGreaterThan(3);
    open(opened).terminate();
    await ended;
  });

  it('takes more at once until much is under way, and then waits for it to leave', async () => {
    const served = Promise.withResolvers<WebSocket>();
    serve((socket) => {
      socket.pause();
      served.resolve(socket);
    });
    const { opened, ended } = await connect();
    const connection = open(opened);
    const part = Buffer.alloc(64 * 1024);
    let taken = 0;
    const writing = (async () => {
      while (taken < 1_000 && (await connection.write(CHANNEL.stdin, part))) taken++;
    })();
    await expect.poll(() => connection.unsentBytes).toBeGreaterThan(0);
    const stoppedAt = await settled(() => taken);
    expect(stoppedAt).toBeGreaterThan(0);
    expect(connection.unsentBytes).toBeLessThan(1024 * 1024);
    expect(taken).toBeLessThan(1_000);
    (await served.promise).resume();
    await writing;
    expect(taken).toBe(1_000);
    connection.terminate();
    await ended;
    expect(await connection.write(CHANNEL.stdin, part)).toBe(false);
  });

  it('refuses a frame that is larger than any should be', async () => {
    serve((socket) => socket.send(Buffer.alloc(5 * 1024 * 1024)));
    const { ended, frames } = await connect();
    expect(await ended).toMatchObject({ code: 1006, cause: expect.any(Error) });
    expect(frames).toEqual([]);
  });

  it('is cut by its signal', async () => {
    const stop = new AbortController();
    serve(() => undefined);
    const { opened, ended } = await connect(PATIENT, stop.signal);
    open(opened);
    stop.abort(new Error('enough'));
    expect(await ended).toMatchObject({ code: 1006, cause: new Error('enough') });
  });
});

describe('an upgrade', () => {
  it('that is refused brings the whole answer', async () => {
    const body = '{"kind":"Status","reason":"Forbidden"}';
    refuse(
      `HTTP/1.1 403 Forbidden\r\nRetry-After: 3\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const { opened } = await connect();
    expect(opened).toEqual({ kind: 'refused', httpStatus: 403, retryAfter: '3', body });
  });

  it('that is refused with an endless answer brings the beginning of it', async () => {
    http.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n');
      const more = () =>
        socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`, () => setImmediate(more));
      socket.on('error', () => undefined);
      more();
    });
    const { opened } = await connect();
    expect(opened).toMatchObject({ kind: 'refused', httpStatus: 500 });
  });

  it.each([
    ['is cut', () => http.on('upgrade', (_, socket) => socket.destroy())],
    ['is never answered', () => http.on('upgrade', () => undefined)],
    ['is answered with nonsense', () => refuse('SSH-2.0-OpenSSH\r\n')],
  ])('that %s is silent, and soon', async (_, arrange) => {
    arrange();
    const trying = async () => {
      const { opened } = await connect({ ...QUICK, openMs: 400 });
      expect(opened).toMatchObject({ kind: 'silent', cause: expect.any(Error) });
    };
    expect(await tookMs(trying)).toBeLessThan(2_000);
  });

  it('is given up by its signal, before and while it is under way', async () => {
    http.on('upgrade', () => stop.abort(new Error('enough')));
    const stop = new AbortController();
    expect((await connect(PATIENT, stop.signal)).opened).toMatchObject({
      cause: new Error('enough'),
    });
    expect((await connect(PATIENT, stop.signal)).opened).toMatchObject({
      cause: new Error('enough'),
    });
  });
});
