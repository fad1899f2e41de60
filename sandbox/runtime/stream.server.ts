import type { WebSocket } from 'ws';
import { channels, makeFrame, readFrame, type StreamProtocol } from './channel.frames.js';
import type { ContainerRuntime } from './container.runtime.js';
import type { OutputListener } from './process.output.js';
import type { InputSink, OutputChannel } from './process.streams.js';
import { finalStatus, type StreamEnding } from './stream.ending.js';

export interface StreamRequest {
  kind: 'exec' | 'attach';
  /** Runtime id of the container. */
  container: string;
  command: string[];
  stdin: boolean;
  /** The process's input ends with the client's, a terminal's excepted. An exec's always does. */
  stdinOnce: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  protocol: StreamProtocol;
}

/** A process that a client's streams can be joined to. */
interface JoinedProcess {
  readonly input: InputSink | undefined;
  resize(columns: number, rows: number): void;
  listen(listener: OutputListener): () => void;
}

/**
 * Serves an exec or an attach on a WebSocket, frame by frame as recorded in test/kubernetes-1.36/stream: an empty frame,
 * then what the process writes, then the Status, then a close frame with 1000. A client that leaves ends nothing but the
 * input. In either direction a fast side waits for a slow one.
 */
export function serveStream(
  runtime: ContainerRuntime,
  socket: WebSocket,
  request: StreamRequest,
): void {
  const client = new ChannelClient(socket, request);
  client.greet();
  void joined[request.kind](runtime, client, request)
    .catch((error: unknown): StreamEnding => {
      const message = error instanceof Error ? error.message : String(error);
      return { kind: 'failed', message: `${failures[request.kind]}: ${message}` };
    })
    .then((ending) => client.finish(ending));
}

/** How the kubelet begins its sentence about an exec or attach that cannot be. */
const failures = {
  exec: 'error executing command in container',
  attach: 'error attaching to container',
} as const;

const joined = {
  exec: async (
    runtime: ContainerRuntime,
    client: ChannelClient,
    request: StreamRequest,
  ): Promise<StreamEnding> => {
    const process = await runtime.exec(request.container, request);
    client.join(process);
    return { kind: 'exited', exitCode: await process.exited, command: request.command };
  },
  attach: async (
    runtime: ContainerRuntime,
    client: ChannelClient,
    request: StreamRequest,
  ): Promise<StreamEnding> => {
    const container = runtime.main(request.container);
    client.join(container);
    await container.exited;
    return { kind: 'detached' };
  },
};

/** From here on the client's socket is not read until the process has taken what came. */
const heldBytesMax = 64 * 1024;

/** The client of a stream, behind its socket. */
class ChannelClient {
  readonly #left: Promise<void>;
  #sent: Promise<void> = Promise.resolve();
  #heldBytes = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly request: StreamRequest,
  ) {
    // Until there is a process that takes what the client sends.
    socket.pause();
    // Its close follows, and says enough.
    socket.on('error', () => undefined);
    this.#left = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** An empty frame on the lowest channel that the server writes to: the sign that the stream is there. */
  greet(): void {
    const { stdout, stderr, status } = channels;
    void this.#send(this.request.stdout ? stdout : this.request.stderr ? stderr : status, '');
  }

  /** Output to the client, input and size to the process, until the one ends or the other leaves. */
  join(process: JoinedProcess): void {
    const stop = process.listen((channel, chunk) =>
      this.#wants(channel) ? this.#send(channel, chunk) : undefined,
    );
    const input = this.request.stdin ? process.input : undefined;
    const endInput = (): void => {
      if (this.request.stdinOnce) void input?.end();
    };
    this.socket.on('message', (data: Buffer) => {
      const said = readFrame(this.request.protocol, data);
      if (said.kind === 'input') this.#pass(said.bytes, input);
      if (said.kind === 'resize') process.resize(said.columns, said.rows);
      if (said.kind === 'end-of-input') endInput();
      if (said.kind === 'violation') this.socket.close(1000);
    });
    void this.#left.then(stop).then(endInput);
    this.socket.resume();
  }

  /** Everything that was sent before it, the Status, and the close frame. */
  async finish(ending: StreamEnding): Promise<void> {
    const status = finalStatus(this.request.protocol, ending);
    await (status === undefined ? this.#sent : this.#send(channels.status, status));
    this.socket.close(1000);
    // The client's own close frame is to be read.
    this.socket.resume();
  }

  #wants(channel: OutputChannel): boolean {
    return channel === channels.stdout ? this.request.stdout : this.request.stderr;
  }

  /** Resolves when the frame has left this process, after all before it, or the client has. */
  #send(channel: number, payload: Buffer | string): Promise<void> {
    this.#sent = new Promise((resolve) => {
      this.socket.send(makeFrame(channel, payload), () => resolve());
    });
    return this.#sent;
  }

  #pass(bytes: Buffer, input: InputSink | undefined): void {
    if (input === undefined) return;
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > heldBytesMax) this.socket.pause();
    void input.write(bytes).then(() => {
      this.#heldBytes -= bytes.length;
      if (this.#heldBytes <= heldBytesMax) this.socket.resume();
    });
  }
}
