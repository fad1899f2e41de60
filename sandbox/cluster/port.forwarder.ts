import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { serveSpdy, type SpdyStream, type StreamListener } from '../spdy/spdy.server.js';

/** The protocol on the streams, and how it is called where SPDY goes through a WebSocket. */
export const portForwardProtocol = 'portforward.k8s.io';
export const tunnelledProtocol = `SPDY/3.1+${portForwardProtocol}`;

/** The Pod whose ports are meant. */
export interface PortSide {
  /** The runtime's id of what holds the Pod's network. */
  sandboxId: string;
  /** Where a port of the Pod can be reached from here, or undefined where nothing of the Pod listens. */
  addressOf: (port: number) => string | undefined;
}

/** From the arrival of one stream of a pair to the other's (staging/src/k8s.io/kubelet/pkg/cri/streaming). */
const pairMs = 30_000;
/** Once one side of a connection is done, the other has so long (containerd, sandbox_portforward_linux.go). */
const graceMs = 1_000;

/**
 * Serves `portforward`: each connection is a pair of streams with the same `requestID`, one for the data and one for an
 * error. The first sentence of an error is the kubelet's, the rest containerd's.
 */
export async function forwardPorts(connection: Duplex, side: PortSide): Promise<void> {
  const pairs = new Map<string, Pair>();
  const forget = (id: string): void => void pairs.delete(id);
  await serveSpdy(connection, (stream) => {
    const { port, streamtype: type, requestid: id = '' } = stream.headers;
    const number = Number(port ?? Number.NaN);
    if (!Number.isInteger(number) || number < 1 || number > 65_535) return undefined;
    if (type !== 'error' && type !== 'data') return undefined;
    const pair = pairs.get(id) ?? new Pair(side, number, () => forget(id));
    pairs.set(id, pair);
    return pair.add(type, stream);
  });
  for (const pair of pairs.values()) pair.close();
}

/** One connection to a port. */
class Pair {
  #error: SpdyStream | undefined;
  #data: SpdyStream | undefined;
  #socket: Socket | undefined;
  readonly #connected = Promise.withResolvers<Socket | undefined>();
  readonly #timer = setTimeout(() => this.#fail('timed out waiting for streams'), pairMs);

  constructor(
    private readonly side: PortSide,
    private readonly port: number,
    private readonly over: () => void,
  ) {}

  /** Undefined for a stream of a type that the pair has. */
  add(type: 'error' | 'data', stream: SpdyStream): StreamListener | undefined {
    if (type === 'error') {
      if (this.#error !== undefined) return undefined;
      this.#error = stream;
    } else {
      if (this.#data !== undefined) return undefined;
      this.#data = stream;
    }
    if (this.#error !== undefined && this.#data !== undefined) {
      clearTimeout(this.#timer);
      void Promise.all([this.#error.opened, this.#data.opened]).then(() => this.#connect());
    }
    const nothing = (): void => undefined;
    return type === 'error'
      ? { data: nothing, end: nothing, reset: nothing }
      : this.#dataListener();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#socket?.destroy();
    this.#connected.resolve(undefined);
    this.over();
  }

  #dataListener(): StreamListener {
    return {
      data: async (chunk) => {
        const socket = await this.#connected.promise;
        if (socket?.writable !== true) return;
        await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
      },
      end: () => void this.#connected.promise.then((socket) => socket && letGo(socket)),
      reset: () => this.close(),
    };
  }

  #connect(): void {
    const { port, side } = this;
    const host = side.addressOf(port);
    if (host === undefined) {
      const refused = (version: number, at: string): string =>
        `dial tcp${version} ${at}:${port}: connect: connection refused`;
      this.#fail(
        `failed to execute portforward in network namespace "/var/run/netns/cni-${side.sandboxId.slice(0, 8)}": failed to connect to localhost:${port} inside namespace "${side.sandboxId}", IPv4: ${refused(4, '127.0.0.1')} IPv6 ${refused(6, '[::1]')} `,
      );
      return;
    }
    const socket = connect({ host, port });
    this.#socket = socket;
    let trouble: string | undefined;
    socket.once('error', (error) => (trouble = error.message));
    socket.once('connect', () => this.#connected.resolve(socket));
    void this.#pass(socket).then(() => (trouble === undefined ? this.#end() : this.#fail(trouble)));
  }

  async #pass(socket: Socket): Promise<void> {
    try {
      for await (const chunk of socket) {
        if (chunk instanceof Uint8Array) await this.#data?.write(chunk);
      }
    } catch {
      // What was wrong is known from its event.
    }
  }

  #fail(why: string): void {
    const message = `error forwarding port ${this.port} to pod ${this.side.sandboxId}, uid : ${why}`;
    void this.#error?.write(Buffer.from(message));
    this.#end();
  }

  #end(): void {
    this.#data?.end();
    this.#error?.end();
    this.close();
  }
}

function letGo(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), graceMs);
  socket.once('close', () => clearTimeout(timer));
}
