import { setTimeout as pause } from 'node:timers/promises';
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { Notice, OpenStream, StreamEnd } from '../../../app/enter-session.js';
import type { TerminalSize } from '../../../app/ports/cluster.streams.js';
import { CHANNEL, CHANNEL_PROTOCOLS } from '../../net/kube.channels.js';
import type { KubeStatus } from './kube.status.js';
import { brokenStatus, exitStatus, statusOf, STOPPED, SUCCESS } from './kube.status.js';

/** From here on the client's socket is not read until the process has taken what came. */
const HELD_BYTES_MAX = 64 * 1024;
/** While so much waits to be read, pings are not answered. */
const UNREAD_BYTES_MAX = 1024 * 1024;
const BEAT_MS = 10_000;
/** kubectl pings every 5 s. */
const DEAD_AFTER_MS = 60_000;

/** How often sizes of a terminal may come, and how many at once: a window that is drawn larger sends one for each step. */
const SIZE_MS = 50;
const SIZES_AT_ONCE = 20;

const Side = z.int().min(1).max(65_535);
const Size = z.object({ Width: Side, Height: Side });

/** Notices that are worth a line beside the output of a command that has no terminal. */
const SAID_WITHOUT_TERMINAL: ReadonlySet<Notice['kind']> = new Set([
  'deadline',
  'paused',
  'resumed',
  'idle',
  'gap',
  'stopping',
]);

/**
 * Serves a stream to kubectl, frame by frame as the API server does (measured: test/kubernetes-1.36/stream): an empty
 * frame, then what is written, then the Status, then a close frame with 1000. A slow side slows the other down; one that
 * reads nothing is cut some time after the end, by `graceSeconds`. Comes back when the socket is closed; never throws.
 */
export async function serveChannels(
  socket: WebSocket,
  stream: OpenStream,
  wanted: {
    readonly tty: boolean;
    readonly stderr: boolean;
    readonly graceSeconds: (end: StreamEnd) => number;
  },
): Promise<void> {
  const client = new Client(socket, stream);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => stream.leave());
  // Also where the client takes nothing, and what was shown last still waits for it.
  void stream.ended.then((end) => client.cutAfter(wanted.graceSeconds(end)));
  void client.send(CHANNEL.stdout, '');
  void tell(client, stream, wanted);
  for await (const { stream: from, data } of stream.output) {
    await client.send(from === 'stderr' ? CHANNEL.stderr : CHANNEL.stdout, data);
  }
  const end = await stream.ended;
  await client.finish(endStatus(end));
  await closed;
}

async function tell(
  client: Client,
  stream: OpenStream,
  { tty, stderr }: { readonly tty: boolean; readonly stderr: boolean },
): Promise<void> {
  for await (const { kind, text } of stream.notices) {
    if (tty) await client.send(CHANNEL.stdout, `\r\n[hallpass] ${text}\r\n`);
    else if (stderr && SAID_WITHOUT_TERMINAL.has(kind)) {
      await client.send(CHANNEL.stderr, `[hallpass] ${text}\n`);
    }
  }
}

function endStatus(end: StreamEnd): KubeStatus {
  switch (end.kind) {
    case 'exited':
      return exitStatus(end.code);
    case 'left':
      return SUCCESS;
    case 'refused':
      return statusOf(end.problem);
    case 'session-over':
      return brokenStatus(end.detail);
    case 'lost':
      return brokenStatus(
        `The way to the container broke (${end.detail}); the session goes on. Run the same again.`,
      );
    case 'shutdown':
      return STOPPED;
  }
}

/** The client behind its socket. */
class Client {
  private heldBytes = 0;
  /** What the client sent goes on in order, the end of its input after all of it. */
  private passed: Promise<unknown> = Promise.resolve();
  /** The latest size, while it waits. */
  private size: TerminalSize | undefined;
  /** When the sizes so far would have gone on, had they come no faster than they may. */
  private sizedAtMs = 0;
  private heardAtMs = performance.now();
  private readonly heart: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly stream: OpenStream,
  ) {
    const hear = () => {
      this.heardAtMs = performance.now();
    };
    socket.on('pong', hear);
    socket.on('ping', (data: Buffer) => {
      hear();
      // Answered only while the answers are read: else pings would fill the memory.
      if (socket.bufferedAmount <= UNREAD_BYTES_MAX) socket.pong(data);
    });
    // Its close follows, and says enough.
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      hear();
      this.take(bufferOf(data));
    });
    this.heart = setInterval(() => this.beat(), BEAT_MS);
    socket.once('close', () => clearInterval(this.heart));
  }

  /** Resolves when the frame has left this process, or the client has. */
  send(channel: number, data: Uint8Array | string): Promise<void> {
    const frame = Buffer.concat([Buffer.of(channel), Buffer.from(data)]);
    return new Promise((resolve) => {
      this.socket.send(frame, { binary: true }, () => resolve());
    });
  }

  async finish(status: KubeStatus): Promise<void> {
    await this.send(CHANNEL.status, JSON.stringify(status));
    this.socket.close(1000);
    // The client's own close frame is to be read.
    this.socket.resume();
  }

  cutAfter(seconds: number): void {
    const cut = setTimeout(() => this.socket.terminate(), seconds * 1_000);
    this.socket.once('close', () => clearTimeout(cut));
  }

  private take(frame: Buffer): void {
    const channel = frame[0];
    const payload = frame.subarray(1);
    if (channel === CHANNEL.stdin) this.pass(payload);
    else if (channel === CHANNEL.resize) this.resize(payload);
    // Only v5 knows it; what is for no channel is left alone, as the API server does.
    else if (channel === CHANNEL.close && this.socket.protocol === CHANNEL_PROTOCOLS[0]) {
      this.closeOne(payload);
    }
  }

  private pass(data: Buffer): void {
    if (data.length === 0) return;
    this.heldBytes += data.length;
    if (this.heldBytes > HELD_BYTES_MAX) this.socket.pause();
    this.passed = this.passed.then(async () => {
      await this.stream.write(data);
      this.heldBytes -= data.length;
      if (this.heldBytes <= HELD_BYTES_MAX) this.socket.resume();
    });
  }

  /** Each size is recorded, and a client may send them without end: of those that come too fast the latest goes on. */
  private resize(payload: Buffer): void {
    const size = Size.safeParse(jsonOf(payload)).data;
    if (!size) return;
    const isWaiting = this.size !== undefined;
    this.size = { columns: size.Width, rows: size.Height };
    if (!isWaiting) void this.passSize();
  }

  private async passSize(): Promise<void> {
    const nowMs = performance.now();
    this.sizedAtMs = Math.max(this.sizedAtMs, nowMs - SIZES_AT_ONCE * SIZE_MS) + SIZE_MS;
    // At once where it may be: what is typed next is for a terminal of that size.
    if (this.sizedAtMs > nowMs) await pause(this.sizedAtMs - nowMs);
    const { size } = this;
    this.size = undefined;
    if (size) void this.stream.resize(size);
  }

  /** A frame that names no stream ends the connection, as the API server does (wsstream/conn.go). */
  private closeOne(payload: Buffer): void {
    const [channel] = payload;
    if (channel === undefined || payload.length !== 1 || channel > CHANNEL.resize) {
      this.socket.close(1000);
    } else if (channel === CHANNEL.stdin) {
      this.passed = this.passed.then(() => this.stream.closeInput());
    }
  }

  /**
   * kubectl gives up after a minute without a pong. While the process takes nothing more, its pings are not read: a pong
   * that it did not ask for serves as well (RFC 6455 §5.5.3), and its silence says nothing.
   */
  private beat(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.isPaused) this.socket.pong();
    else if (performance.now() - this.heardAtMs > DEAD_AFTER_MS) this.socket.terminate();
    else this.socket.ping();
  }
}

function jsonOf(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}

function bufferOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
