import { request } from 'node:http';
import { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';

/** What came on a stream of channels, and how it ended. */
export interface Played {
  readonly protocol: string;
  /** The frames' channels, in order, those of one channel in a row told once. */
  readonly order: readonly number[];
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Channel 3, parsed. */
  readonly status: unknown;
  readonly code: number;
}

/** The answer to an upgrade that was refused. */
export interface NotUpgraded {
  readonly httpStatus: number;
  readonly contentType: string | undefined;
  readonly body: { readonly message: string; readonly reason: string; readonly code: number };
}

/** A client of channels as kubectl is one, on any address. */
export class ChannelClient {
  readonly frames: Buffer[] = [];
  readonly closed: Promise<number>;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: RawData) => this.frames.push(data as Buffer));
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  static open(
    url: string,
    token: string,
    protocols: string[] = ['v5.channel.k8s.io'],
  ): Promise<ChannelClient | NotUpgraded> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), protocols, {
      headers: { authorization: `Bearer ${token}` },
    });
    const client = new ChannelClient(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(client));
      socket.once('error', reject);
      socket.once('unexpected-response', (_, response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          resolve({
            httpStatus: response.statusCode ?? 0,
            contentType: response.headers['content-type'],
            body: JSON.parse(text),
          });
        });
      });
    });
  }

  send(channel: number, data: string | Buffer): void {
    this.socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(data)]));
  }

  endInput(): void {
    this.send(255, Buffer.of(0));
  }

  /** What was said once the server has closed. */
  async played(): Promise<Played> {
    const code = await this.closed;
    const of = (channel: number) =>
      Buffer.concat(
        this.frames.filter(([first]) => first === channel).map((frame) => frame.subarray(1)),
      );
    const all = this.frames.map(([first = -1]) => first);
    const status = of(3).toString();
    return {
      protocol: this.socket.protocol,
      order: all.filter((channel, at) => channel !== all[at - 1]),
      stdout: of(1),
      stderr: of(2).toString(),
      status: status === '' ? undefined : (JSON.parse(status) as unknown),
      code,
    };
  }
}

/** The client. @throws Error where it was not let in. */
export function letIn(outcome: ChannelClient | NotUpgraded): ChannelClient {
  if (outcome instanceof ChannelClient) return outcome;
  throw new Error(`${outcome.httpStatus}: ${outcome.body.message}`);
}

/** The refusal. @throws Error where it was let in. */
export function turnedAway(outcome: ChannelClient | NotUpgraded): NotUpgraded {
  if (!(outcome instanceof ChannelClient)) return outcome;
  outcome.socket.terminate();
  throw new Error('was let in');
}

/** An upgrade by hand, for what no library would send: the connection once it is another protocol's, or the answer. */
export async function upgradeByHand(
  url: string,
  headers: Readonly<Record<string, string>>,
  method = 'GET',
): Promise<Socket | { readonly httpStatus: number; readonly text: string }> {
  const call = request(url, {
    method,
    headers: { authorization: 'Bearer robin', connection: 'Upgrade', ...headers },
  });
  call.end();
  return new Promise((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve({ httpStatus: response.statusCode ?? 0, text }));
    });
    call.on('upgrade', (_, socket: Socket) => {
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

export const WEBSOCKET_HEADERS = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'v5.channel.k8s.io',
} as const;
