import { WebSocket } from 'ws';
import type { BrokerClient } from './broker.client.js';
import { unreachableAt } from './broker.client.js';
import { ProblemDocument } from '../../contract/problem.schema.js';
import { CHANNELS, PROTOCOLS, TicketView } from '../../contract/terminal.schema.js';
import type { TicketKind } from '../../domain/ticket.js';
import { CommandFailure, refusal } from './command.failure.js';
import { EXIT } from './exit.codes.js';
import { knownAnswer } from './known.answer.js';
import { sessionPathOf } from './session.follower.js';
import type { ServerMessage, StreamEnd } from './terminal.protocol.js';
import {
  MESSAGE_BYTES_MAX,
  PART_BYTES,
  serverMessage,
  StreamEnd as StreamEndShape,
} from './terminal.protocol.js';

/** What arrives on a connection. A handler that gives a promise slows the other side down until it resolves. */
export interface Heard {
  readonly output: (channel: 'output' | 'errors', bytes: Uint8Array) => Promise<void> | undefined;
  readonly message: (message: ServerMessage) => Promise<void> | undefined;
}

/** Unsent bytes above which writers wait. */
const UNSENT_BYTES_MAX = 1024 * 1024;
const CONNECT_MS = 15_000;
/** The broker pings every 15 seconds: one that says nothing for so long is gone. */
const SILENCE_MS = 50_000;

/** A connection to a session: a terminal or a view of one. */
export class TerminalConnection {
  /** Resolves when the connection is closed; `lost` where that came without an end. */
  readonly ended: Promise<StreamEnd>;
  private end: StreamEnd | undefined;
  private handling: Promise<void> = Promise.resolve();
  private slow = 0;
  private silence: NodeJS.Timeout | undefined;

  private constructor(
    private readonly socket: WebSocket,
    private readonly heard: Heard,
  ) {
    socket.on('message', (data, isBinary) => this.take(data as Buffer, isBinary));
    socket.on('ping', () => this.awake());
    socket.on('error', () => socket.terminate());
    this.awake();
    // Not by `once` of node:events, which a connection that could not be made would have reject, with nobody to hear it.
    this.ended = new Promise((resolve) => socket.once('close', resolve)).then(async () => {
      clearTimeout(this.silence);
      await this.handling;
      return this.end ?? { kind: 'lost', detail: 'The connection to the broker broke.' };
    });
  }

  /**
   * Gets a ticket and connects with it.
   *
   * @throws CommandFailure where there is no ticket, or the connection is refused or cannot be made.
   */
  static async open(
    broker: BrokerClient,
    to: {
      readonly session: string;
      readonly kind: TicketKind;
      readonly query?: URLSearchParams;
      readonly version: string;
    },
    heard: Heard,
  ): Promise<TerminalConnection> {
    const { session, kind, query = new URLSearchParams(), version } = to;
    const { value } = await broker.call(sessionPathOf(session, '/tickets'), TicketView, {
      method: 'POST',
      body: { kind },
    });
    const url = new URL(broker.server + sessionPathOf(session, `/${kind}`));
    url.protocol = url.protocol.replace('http', 'ws');
    url.search = query.toString();
    const socket = new WebSocket(url, [PROTOCOLS[kind]], {
      headers: { authorization: `Bearer ${value.ticket}`, 'user-agent': `hallpass/${version}` },
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: CONNECT_MS,
      maxPayload: MESSAGE_BYTES_MAX,
    });
    const connection = new TerminalConnection(socket, heard);
    await opened(socket, broker.server);
    return connection;
  }

  /** Sends what was typed. Resolves when there is room for more; `false` where the connection is closed. */
  async type(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += PART_BYTES) {
      const part = bytes.subarray(at, at + PART_BYTES);
      if (!(await this.send(Buffer.concat([Buffer.of(CHANNELS.stdin), part])))) return false;
    }
    return true;
  }

  /** Standard input is at its end. */
  async closeInput(): Promise<void> {
    await this.send(Buffer.of(CHANNELS.close, CHANNELS.stdin));
  }

  resize(size: { readonly columns: number; readonly rows: number }): void {
    void this.send(JSON.stringify({ type: 'resize', ...size }));
  }

  /** Leaves: the session goes on. */
  leave(): void {
    this.end ??= { kind: 'left' };
    this.socket.close(1000);
    // A broker that does not answer the close frame is not waited for.
    setTimeout(() => this.socket.terminate(), 2_000).unref();
  }

  private async send(data: Buffer | string): Promise<boolean> {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    const sent = new Promise<void>((resolve) => this.socket.send(data, () => resolve()));
    if (this.socket.bufferedAmount > UNSENT_BYTES_MAX) await sent;
    return true;
  }

  private take(data: Buffer, isBinary: boolean): void {
    this.awake();
    const handled = isBinary ? this.show(data) : this.read(data.toString('utf8'));
    if (!handled) return;
    // What is slow to be shown is not read any further: the broker, and then the process, wait.
    this.socket.pause();
    this.slow += 1;
    this.handling = Promise.all([this.handling, handled]).then(() => {
      this.slow -= 1;
      if (this.slow === 0) this.socket.resume();
    });
  }

  private show(data: Buffer): Promise<void> | undefined {
    const bytes = data.subarray(1);
    if (data[0] === CHANNELS.stdout) return this.heard.output('output', bytes);
    return data[0] === CHANNELS.stderr ? this.heard.output('errors', bytes) : undefined;
  }

  private read(text: string): Promise<void> | undefined {
    const message = serverMessage(text);
    if (!message) return undefined;
    if (message.type === 'end') this.end ??= StreamEndShape.safeParse(message).data;
    return this.heard.message(message);
  }

  private awake(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.socket.terminate(), SILENCE_MS);
  }
}

/** Waits until it is open; says why where it is refused. */
async function opened(socket: WebSocket, server: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(unreachableAt(server, error)));
    socket.once('unexpected-response', (_, response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        reject(refusalIn(Buffer.concat(parts).toString('utf8'), response.statusCode ?? 0, server));
        socket.terminate();
      });
    });
  });
}

function refusalIn(body: string, status: number, server: string): CommandFailure {
  const problem = knownAnswer(ProblemDocument, json(body));
  if (problem) return refusal(problem);
  return new CommandFailure(
    EXIT.unreachable,
    status >= 500
      ? `${server} answered ${status}: what stands before the broker does not reach it now.`
      : `${server} does not let a terminal through (${status}): something between here and there takes no WebSocket.`,
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
