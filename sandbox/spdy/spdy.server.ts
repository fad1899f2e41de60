import type { Duplex } from 'node:stream';
import { HeaderReader, HeaderWriter, type Headers } from './header.blocks.js';
import {
  controlFrame,
  controls,
  dataHead,
  lastFlag,
  numbers,
  type RawFrame,
  readFrames,
  resetFrame,
  resetReasons,
  streamOf,
} from './spdy.frames.js';

/** A stream that the client opened, seen from the server. */
export interface SpdyStream {
  readonly headers: Headers;
  /** Resolves when the client has been told that it is accepted; what is written before, clients drop. */
  readonly opened: Promise<true>;
  /** Resolves when there is room for more, or the connection is over. */
  write(data: Uint8Array): Promise<void>;
  /** Nothing more will be written; the client may write on. */
  end(): void;
}

/** Told what the client does with a stream. While a promise is open, nothing more is read from the connection. */
export interface StreamListener {
  data(chunk: Buffer): Promise<void> | void;
  /** The client will write no more. */
  end(): void;
  /** The client, or the connection, has given up a stream that was still open. */
  reset(): void;
}

/**
 * Serves SPDY/3.1 as Kubernetes has it, which is as moby/spdystream has it: streams that the client opens, pings, and no
 * flow control. Neither side sends or heeds window updates, so that a stream that is not read stops its whole
 * connection. `accept` answers a stream with who listens, or refuses it by `undefined`. Resolves when it is over.
 */
export async function serveSpdy(
  connection: Duplex,
  accept: (stream: SpdyStream) => StreamListener | undefined,
): Promise<void> {
  await new SpdyServer(connection, accept).run();
}

class SpdyServer {
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  readonly #listeners = new Map<number, StreamListener>();

  constructor(
    private readonly connection: Duplex,
    private readonly accept: (stream: SpdyStream) => StreamListener | undefined,
  ) {
    // Its end follows, and says enough.
    connection.on('error', () => undefined);
  }

  async run(): Promise<void> {
    try {
      for await (const frame of readFrames(this.connection)) await this.#take(frame);
    } catch {
      // Cut off, or not understood: in either case there is nobody to talk to.
    }
    for (const listener of this.#listeners.values()) listener.reset();
    this.#listeners.clear();
    this.#reader.close();
    this.#writer.close();
    this.connection.destroy();
  }

  async #take(frame: RawFrame): Promise<void> {
    if (frame.kind === 'control') return this.#control(frame);
    const listener = this.#listeners.get(frame.stream);
    // Moby answers data of a stream that is gone with nothing.
    if (listener === undefined) return;
    if (frame.payload.length > 0) await listener.data(frame.payload);
    if (!frame.isLast) return;
    this.#listeners.delete(frame.stream);
    listener.end();
  }

  async #control({ type, flags, payload }: RawFrame & { kind: 'control' }): Promise<void> {
    if (type === controls.openStream) return this.#open(payload, flags);
    if (type === controls.resetStream) {
      const stream = streamOf(payload);
      this.#listeners.get(stream)?.reset();
      this.#listeners.delete(stream);
    }
    // Even numbers answer the server's own pings, of which there are none.
    if (type === controls.ping && streamOf(payload) % 2 === 1) {
      this.connection.write(controlFrame(controls.ping, payload));
    }
    if (type === controls.headers) await this.#reader.read(payload.subarray(4));
  }

  async #open(payload: Buffer, flags: number): Promise<void> {
    const id = streamOf(payload);
    const headers = await this.#reader.read(payload.subarray(10));
    const opened = Promise.withResolvers<true>();
    const listener = this.accept(this.#stream(id, { headers, opened: opened.promise }));
    if (listener === undefined) {
      this.connection.write(resetFrame(id, resetReasons.cancel));
      return;
    }
    const isLast = (flags & lastFlag) !== 0;
    if (!isLast) this.#listeners.set(id, listener);
    const reply = Buffer.concat([numbers(id), await this.#writer.write({})]);
    this.connection.write(controlFrame(controls.replyToStream, reply));
    opened.resolve(true);
    if (isLast) listener.end();
  }

  #stream(id: number, given: Pick<SpdyStream, 'headers' | 'opened'>): SpdyStream {
    return {
      ...given,
      write: (data) =>
        new Promise((resolve) => {
          if (!this.connection.writable) return resolve();
          this.connection.cork();
          this.connection.write(dataHead(id, data.byteLength, { isLast: false }));
          this.connection.write(data, () => resolve());
          this.connection.uncork();
        }),
      end: () => {
        if (this.connection.writable) this.connection.write(dataHead(id, 0, { isLast: true }));
      },
    };
  }
}
