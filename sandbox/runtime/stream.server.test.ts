import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { channels, makeFrame } from './channel.frames.js';
import { ContainerRuntime } from './container.runtime.js';
import { serveStream, type StreamRequest } from './stream.server.js';

const runtime = await ContainerRuntime.create();
let server: WebSocketServer;
let next: StreamRequest;
let containers = 0;

beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => serveStream(runtime, socket, next));
  await once(server, 'listening');
});
afterAll(async () => {
  for (const client of server.clients) client.terminate();
  server.close();
  await runtime.close();
});

const v5 = 'v5.channel.k8s.io';
const sh = (script: string, ...args: string[]) => ['/bin/sh', '-c', script, ...args];
const succeeded = { metadata: {}, status: 'Success' };

async function container(command: string[], more: { stdin?: boolean; tty?: boolean } = {}) {
  const id = `c${++containers}`;
  const made = { id, image: 'busybox', command, env: {}, stdin: false, tty: false, ...more };
  return runtime.start(made);
}

/** What a client of a stream sees. */
class Client {
  readonly #received: Record<number, Buffer[]> = {};
  readonly closed: Promise<number>;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      (this.#received[data[0] ?? -1] ??= []).push(data.subarray(1));
    });
    this.closed = once(socket, 'close').then(([code]) => Number(code));
  }

  get text(): string {
    return this.bytes(channels.stdout).toString();
  }

  bytes(channel: number): Buffer {
    return Buffer.concat(this.#received[channel] ?? []);
  }

  get status(): unknown {
    return JSON.parse(this.bytes(channels.status).toString());
  }

  send(channel: number, payload: string | Buffer): void {
    this.socket.send(makeFrame(channel, payload));
  }

  endInput(): void {
    this.send(channels.close, '\u0000');
  }
}

async function open(request: Partial<StreamRequest> & { container: string }): Promise<Client> {
  const kind = request.command === undefined ? 'attach' : 'exec';
  next = {
    ...{ kind, command: [], stdin: true, stdinOnce: kind === 'exec', stdout: true },
    ...{ stderr: request.tty !== true, tty: false, protocol: v5 },
    ...request,
  };
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const client = new Client(socket);
  await once(socket, 'open');
  return client;
}

/** Runs a command to its end and tells its exit code. */
async function run(id: string, command: string[]): Promise<number> {
  const process = await runtime.exec(id, { command, stdin: false, tty: false });
  process.listen(() => undefined);
  return process.exited;
}
const exists = async (id: string, file: string) => (await run(id, ['test', '-e', file])) === 0;
const patience = { timeout: 15_000 };
const until = (id: string, file: string) =>
  expect.poll(() => exists(id, file), patience).toBe(true);

async function lines(id: string, file: string): Promise<number> {
  const command = ['wc', '-l', file];
  const process = await runtime.exec(id, { command, stdin: false, tty: false });
  let text = '';
  process.listen((_channel, chunk) => {
    text += chunk.toString();
    return undefined;
  });
  await process.exited;
  return Number.parseInt(text, 10);
}

/** Time for the other side to run ahead, measured in things that happen. */
async function runSomeCommands(id: string): Promise<void> {
  for (let n = 0; n < 5; n += 1) await run(id, ['true']);
}

/** Writes thirty times a million bytes, far more than sockets hold, and one line to a file after each. */
const writing = 'for n in $(seq 30); do head -c 1000000 /dev/zero; echo >>/tmp/written; done';

/** Waits until `writing` gets no further, and tells how far it has come. */
async function stalled(id: string): Promise<number> {
  let [before, now] = [-1, 0];
  while (now === 0 || now !== before) {
    before = now;
    await runSomeCommands(id);
    now = await lines(id, '/tmp/written');
  }
  return now;
}

describe.skipIf(runtime.isolation === 'none')('a stream', { timeout: 60_000 }, () => {
  it('brings all that the process wrote before the Status, to a slow client too', async () => {
    const { id } = await container(['sleep', '600']);
    const client = await open({ container: id, command: sh('seq 500000; exit 7') });
    client.socket.pause();
    await runSomeCommands(id);
    client.socket.resume();
    expect(await client.closed).toBe(1000);
    expect(client.text.length).toBe(3_388_895);
    expect(client.text.endsWith('\n499999\n500000\n')).toBe(true);
    expect(client.status).toMatchObject({ details: { causes: [{ message: '7' }] } });
  });

  it('brings all that a terminal showed before the Status', async () => {
    const { id } = await container(['sleep', '600']);
    const client = await open({ container: id, command: sh('seq 50000'), tty: true });
    client.socket.pause();
    await runSomeCommands(id);
    client.socket.resume();
    await client.closed;
    expect(client.text.length).toBe(288_894 + 50_000);
    expect(client.text.endsWith('\r\n50000\r\n')).toBe(true);
  });

  it('holds the process back while the client does not read', async () => {
    const { id } = await container(['sleep', '600']);
    const client = await open({ container: id, command: sh(writing) });
    client.socket.pause();
    expect(await stalled(id)).toBeLessThan(30);
    client.socket.resume();
    expect(await client.closed).toBe(1000);
    expect(client.bytes(channels.stdout).length).toBe(30_000_000);
    expect(await lines(id, '/tmp/written')).toBe(30);
  });

  it('holds the client back while the process does not read, and loses nothing', async () => {
    const { id } = await container(['sleep', '600']);
    const reads = 'until [ -e /tmp/go ]; do sleep 0.02; done; wc -c';
    const client = await open({ container: id, command: sh(reads) });
    for (let n = 0; n < 30; n += 1) client.send(channels.stdin, Buffer.alloc(1_000_000));
    client.endInput();
    await runSomeCommands(id);
    expect(client.socket.bufferedAmount).toBeGreaterThan(15_000_000);
    await run(id, ['touch', '/tmp/go']);
    await client.closed;
    expect(client.text.trim()).toBe('30000000');
    expect(client.status).toEqual(succeeded);
  });

  it('that is cut ends the input and not the process, which need not wait for a reader', async () => {
    const { id } = await container(['sleep', '600']);
    const goesOn = 'echo started; cat; head -c 1000000 /dev/zero; touch /tmp/after';
    const client = await open({ container: id, command: sh(goesOn) });
    await expect.poll(() => client.text, patience).toBe('started\n');
    client.socket.terminate();
    await until(id, '/tmp/after');
  });

  it('that is cut leaves a shell in its terminal running', async () => {
    const { id } = await container(['sleep', '600']);
    const goesOn = 'echo started; until [ -e /tmp/go ]; do sleep 0.02; done; touch /tmp/after';
    const client = await open({ container: id, command: sh(goesOn), tty: true });
    await expect.poll(() => client.text, patience).toBe('started\r\n');
    client.socket.terminate();
    await run(id, ['touch', '/tmp/go']);
    await until(id, '/tmp/after');
  });

  it('drops input and output that were not asked for', async () => {
    const { id } = await container(['sleep', '600']);
    const command = sh('echo out; echo err >&2; cat');
    const client = await open({ container: id, command, stdin: false, stdout: false });
    client.send(channels.stdin, 'in\n');
    expect(await client.closed).toBe(1000);
    expect([client.text, client.bytes(channels.stderr).toString()]).toEqual(['', 'err\n']);
  });

  it('takes a size that comes before the process is there', async () => {
    const { id } = await container(['sleep', '600']);
    const sized = 'until [ "$(stty size)" = "33 101" ]; do sleep 0.02; done';
    const client = await open({ container: id, command: sh(sized), tty: true });
    client.send(channels.resize, '{"Width":101,"Height":33}\n');
    await client.closed;
    expect(client.status).toEqual(succeeded);
  });

  it('is closed without a Status when the client breaks the protocol', async () => {
    const { id } = await container(['sleep', '600']);
    const client = await open({ container: id, command: ['sleep', '600'] });
    client.send(channels.close, '');
    expect(await client.closed).toBe(1000);
    expect(client.bytes(channels.status).length).toBe(0);
  });

  it('says a failure as text under the oldest protocol', async () => {
    const { id } = await container(['sleep', '600']);
    const request = { container: id, protocol: 'channel.k8s.io' as const };
    const client = await open({ ...request, command: sh('exit 2') });
    expect(await client.closed).toBe(1000);
    expect(client.bytes(channels.status).toString()).toBe(
      'command terminated with non-zero exit code: error executing command [/bin/sh -c exit 2], exit code 2',
    );
  });

  it.each(['exec', 'attach'] as const)(
    'of an %s into a container that has ended says so',
    async (kind) => {
      const { id, exited } = await container(['true']);
      await exited;
      const client = await open({ container: id, kind, command: ['true'] });
      expect(await client.closed).toBe(1000);
      expect(client.status).toMatchObject({
        reason: 'InternalError',
        message: expect.stringContaining('CONTAINER_EXITED'),
      });
    },
  );

  it('ends with the container, 137, and brings what was written until then, however slowly it is read', async () => {
    const [main, other] = [await container(['sleep', '600']), await container(['sleep', '600'])];
    const writes = 'while :; do printf %10000s x; echo >>/tmp/written; done';
    const client = await open({ container: main.id, command: sh(writes) });
    client.socket.pause();
    const written = await stalled(main.id);
    await main.stop(0);
    // Longer than the runtime waits for output that nobody lets it read.
    await run(other.id, ['sleep', '1.2']);
    client.socket.resume();
    expect(await client.closed).toBe(1000);
    expect(client.text.length).toBeGreaterThanOrEqual(written * 10_000);
    expect(client.status).toMatchObject({ details: { causes: [{ message: '137' }] } });
  });
});

describe.skipIf(runtime.isolation === 'none')('attaching', { timeout: 60_000 }, () => {
  const echoing = sh('while read x; do echo "got $x"; done; echo over');

  it('shares input and output of the main process with all who are attached', async () => {
    const { id } = await container(echoing, { stdin: true });
    const [one, other] = [await open({ container: id }), await open({ container: id })];
    one.send(channels.stdin, 'a\n');
    await expect.poll(() => other.text, patience).toBe('got a\n');
    other.send(channels.stdin, 'b\n');
    await expect.poll(() => one.text, patience).toBe('got a\ngot b\n');
  });

  it('shows nothing of what was written before', async () => {
    const { id } = await container(echoing, { stdin: true });
    const early = await open({ container: id });
    early.send(channels.stdin, 'a\n');
    await expect.poll(() => early.text, patience).toBe('got a\n');
    const late = await open({ container: id });
    late.send(channels.stdin, 'b\n');
    await expect.poll(() => late.text, patience).toBe('got b\n');
  });

  it('leaves the input open for the next when a client ends its own or leaves', async () => {
    const { id } = await container(echoing, { stdin: true });
    const first = await open({ container: id });
    first.send(channels.stdin, 'a\n');
    first.endInput();
    await expect.poll(() => first.text, patience).toBe('got a\n');
    first.socket.terminate();
    const second = await open({ container: id });
    second.send(channels.stdin, 'b\n');
    await expect.poll(() => second.text, patience).toBe('got b\n');
  });

  it('ends the input with the first client when the container says so (stdinOnce)', async () => {
    const main = await container(echoing, { stdin: true });
    const client = await open({ container: main.id, stdinOnce: true });
    client.send(channels.stdin, 'a\n');
    client.endInput();
    expect(await client.closed).toBe(1000);
    expect(client.text).toBe('got a\nover\n');
    expect(client.status).toEqual(succeeded);
    expect((await main.exited).exitCode).toBe(0);
  });

  it('does not hold the process back once a slow client has gone', async () => {
    const { id } = await container(sh(`read x; ${writing}; read x`), { stdin: true });
    const slow = await open({ container: id });
    slow.socket.pause();
    slow.send(channels.stdin, 'go\n');
    expect(await stalled(id)).toBeLessThan(30);
    slow.socket.terminate();
    await expect.poll(() => lines(id, '/tmp/written'), patience).toBe(30);
  });
});
