import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ClientOptions, RawData } from 'ws';
import { CHANNEL, CHANNEL_PROTOCOLS } from '../net/kube.channels.js';

export { CHANNEL, CHANNEL_PROTOCOLS };

const REFUSAL_BYTES_MAX = 64 * 1024;
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** What is given to a socket that holds less than this need not be waited for. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** Where nothing is read, only TCP can tell that the other side is gone. */
const KEEP_ALIVE_MS = 15_000;

export interface ChannelLimits {
  /** From connecting to the accepted upgrade, and for reading a refusal. */
  readonly openMs: number;
  readonly pingEveryMs: number;
  /** Without a sign of life for so long, the peer is taken for dead. */
  readonly deadAfterMs: number;
}

export const CHANNEL_LIMITS: ChannelLimits = {
  openMs: 5_000,
  pingEveryMs: 5_000,
  // As long as kubectl takes: an API server that waits for a process to take its input reads no pings meanwhile
  // (client-go, remotecommand/websocket.go).
  deadAfterMs: 60_000,
};

/** How a connection ended. `code` is the close frame's (RFC 6455 §7.4): 1006 where there was none. */
export interface ChannelEnd {
  readonly code: number;
  readonly cause?: unknown;
}

export interface ChannelHandlers {
  /** A frame without its first byte. The first one is often empty. Called in order, none after `onEnd`. */
  readonly onFrame: (channel: number, data: Buffer) => void;
  /** Once, whatever happened. */
  readonly onEnd: (end: ChannelEnd) => void;
}

/** The server would not upgrade: its whole HTTP answer. */
export interface RefusedUpgrade {
  readonly kind: 'refused';
  readonly httpStatus: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** There was no answer to the request to upgrade. */
export interface NoUpgrade {
  readonly kind: 'silent';
  readonly cause: unknown;
}

/**
 * Opens a connection of channels. Never throws: what is expected to go wrong is the answer. `signal` gives up opening,
 * and cuts the connection later.
 */
export function connectChannels(args: {
  readonly url: URL;
  readonly options: ClientOptions;
  readonly handlers: ChannelHandlers;
  readonly signal: AbortSignal;
  readonly limits?: ChannelLimits;
}): Promise<ChannelConnection | RefusedUpgrade | NoUpgrade> {
  const { url, options, handlers, signal, limits = CHANNEL_LIMITS } = args;
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve({ kind: 'silent', cause: signal.reason });
      return;
    }
    const socket = makeSocket(url, { ...options, handshakeTimeout: limits.openMs });
    if (!(socket instanceof WebSocket)) {
      resolve(socket);
      return;
    }
    let cause: unknown;
    let connection: ChannelConnection | undefined;
    const abort = () => {
      cause ??= signal.reason;
      socket.terminate();
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', (error) => {
      cause ??= error;
    });
    socket.on('unexpected-response', (request, response) => {
      void readRefusal(response, limits.openMs).then((refused) => {
        signal.removeEventListener('abort', abort);
        request.destroy();
        resolve(refused);
      });
    });
    socket.on('upgrade', ({ socket: stream }) => stream.setKeepAlive(true, KEEP_ALIVE_MS));
    socket.on('open', () => {
      connection = new ChannelConnection(socket, limits, (error) => {
        cause ??= error;
      });
      resolve(connection);
    });
    socket.on('message', (data: RawData) => {
      const frame = toBuffer(data);
      const channel = frame[0];
      if (channel !== undefined) handlers.onFrame(channel, frame.subarray(1));
    });
    socket.on('close', (code) => {
      signal.removeEventListener('abort', abort);
      connection?.stopWatching();
      if (connection) handlers.onEnd({ code, ...(cause === undefined ? {} : { cause }) });
      else
        resolve({
          kind: 'silent',
          cause: cause ?? new Error(`closed (${code}) before it was open`),
        });
    });
  });
}

/** An open connection of channels. */
export class ChannelConnection {
  private readonly heartbeat: NodeJS.Timeout;
  private heardAtMs = performance.now();
  private paused = false;

  constructor(
    private readonly socket: WebSocket,
    private readonly limits: ChannelLimits,
    private readonly blame: (cause: Error) => void,
  ) {
    const hear = () => {
      this.heardAtMs = performance.now();
    };
    for (const sign of ['message', 'ping', 'pong'] as const) socket.on(sign, hear);
    this.heartbeat = setInterval(() => this.beat(), limits.pingEveryMs);
    this.heartbeat.unref();
  }

  /** The sub-protocol that the server chose. */
  get protocol(): string {
    return this.socket.protocol;
  }

  /** What was sent and has not left yet, in bytes: stop sending while it is large. */
  get unsentBytes(): number {
    return this.socket.bufferedAmount;
  }

  /** Sends a frame; resolves when it has left, with `false` where the connection is over. */
  async send(channel: number, data: Uint8Array | string): Promise<boolean> {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    const frame = frameOf(channel, typeof data === 'string' ? Buffer.from(data) : data);
    return new Promise((resolve) => {
      this.socket.send(frame, BINARY, (error) => resolve(!error));
    });
  }

  /** Sends a frame; resolves when there is room for another one, with `false` where the connection is over. */
  write(channel: number, data: Uint8Array): Promise<boolean> {
    if (this.unsentBytes >= UNSENT_BYTES_MAX) return this.send(channel, data);
    if (this.socket.readyState !== WebSocket.OPEN) return GONE;
    this.socket.send(frameOf(channel, data), BINARY, ignored);
    return TAKEN;
  }

  /** Tells the size of the terminal (tty only). */
  async resize({
    columns,
    rows,
  }: {
    readonly columns: number;
    readonly rows: number;
  }): Promise<boolean> {
    return this.send(CHANNEL.resize, JSON.stringify({ Width: columns, Height: rows }));
  }

  /** Whether a single stream can be ended: v5 alone says how. */
  get endsInput(): boolean {
    return this.protocol === CHANNEL_PROTOCOLS[0];
  }

  /** Ends the standard input and nothing else. `false` under v4, which cannot: close the connection instead. */
  async closeInput(): Promise<boolean> {
    if (!this.endsInput) return false;
    return this.send(CHANNEL.close, Buffer.of(CHANNEL.stdin));
  }

  /** Takes no more frames until {@link resume}: the server is slowed down by TCP. */
  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.heardAtMs = performance.now();
    this.socket.resume();
  }

  /** Closes with a close frame, and without one if the server takes longer than a moment to answer it. */
  close(): void {
    // A socket that does not read would never see the answer.
    if (this.paused) this.resume();
    this.socket.close(1000);
    setTimeout(() => this.socket.terminate(), this.limits.pingEveryMs).unref();
  }

  /** Cuts the connection at once. */
  terminate(): void {
    this.socket.terminate();
  }

  stopWatching(): void {
    clearInterval(this.heartbeat);
  }

  private beat(): void {
    // While paused, pongs wait in the socket like everything else: their absence says nothing.
    if (!this.paused && performance.now() - this.heardAtMs > this.limits.deadAfterMs) {
      this.blame(new Error('the other side gives no sign of life'));
      this.socket.terminate();
    } else if (this.socket.readyState === WebSocket.OPEN) {
      // Also while paused: what is between must not take the connection for an idle one.
      this.socket.ping();
    }
  }
}

const BINARY = { binary: true } as const;
const TAKEN = Promise.resolve(true);
const GONE = Promise.resolve(false);
/** Whoever sends next learns that the connection is over. */
const ignored = () => undefined;

function frameOf(channel: number, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(data.length + 1);
  frame[0] = channel;
  frame.set(data, 1);
  return frame;
}

/** The socket, connecting; Node throws at once where an address or a header cannot be used at all. */
function makeSocket(url: URL, options: ClientOptions): WebSocket | NoUpgrade {
  try {
    return new WebSocket(url, [...CHANNEL_PROTOCOLS], {
      ...options,
      maxPayload: FRAME_BYTES_MAX,
      perMessageDeflate: false,
      followRedirects: false,
    });
  } catch (cause) {
    return { kind: 'silent', cause };
  }
}

async function readRefusal(response: IncomingMessage, limitMs: number): Promise<RefusedUpgrade> {
  const tooLate = setTimeout(() => response.destroy(), limitMs);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      const part = Buffer.from(chunk as Uint8Array);
      chunks.push(part);
      bytes += part.length;
      if (bytes > REFUSAL_BYTES_MAX) break;
    }
  } catch {
    // Cut in its middle: what came is said, the status above all.
  } finally {
    clearTimeout(tooLate);
  }
  return {
    kind: 'refused',
    httpStatus: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
