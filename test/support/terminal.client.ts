import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { vi } from 'vitest';
import { CHANNELS, PROTOCOLS, TICKET_PREFIX } from '../../src/contract/terminal.schema.js';
import type { TicketKind } from '../../src/domain/ticket.js';
import type { Api, Who } from './http.api.js';

/** A ticket for a session, or the answer that there is none. */
export async function ticketFor(
  api: Api,
  { id, kind = 'terminal', who = 'robin', headers = {} }: TicketWish,
) {
  return api.call('issueTicket', {
    who,
    method: 'POST',
    path: `/v1/sessions/${id}/tickets`,
    body: { kind },
    headers,
  });
}

export interface TicketWish {
  readonly id: string;
  readonly kind?: TicketKind;
  readonly who?: Who;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Connecting {
  readonly id: string;
  readonly ticket: string;
  readonly kind?: TicketKind;
  readonly query?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of the terminal, which keeps what it was sent. */
export class TerminalClient {
  readonly texts: Record<string, unknown>[] = [];
  readonly shown: { channel: number; data: Buffer }[] = [];
  code: number | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('error', () => undefined);
    socket.on('close', (code) => (this.code = code));
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.shown.push({ channel: data[0] ?? -1, data: data.subarray(1) });
      else this.texts.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>);
    });
  }

  /** Connects, the ticket as a subprotocol unless the headers say otherwise. */
  static connect(port: number, to: Connecting): TerminalClient {
    return new TerminalClient(webSocket(port, to));
  }

  /** Gets a ticket, connects and waits until it is open. */
  static async open(api: Api, to: TicketWish & Pick<Connecting, 'query'>): Promise<TerminalClient> {
    const answer = await ticketFor(api, to);
    if (answer.status !== 201) throw new Error(answer.text);
    const client = TerminalClient.connect(api.port, { ...to, ticket: answer.body.ticket });
    await client.said('open');
    return client;
  }

  type(text: string | Uint8Array): void {
    this.socket.send(Buffer.concat([Buffer.of(CHANNELS.stdin), Buffer.from(text as string)]));
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** What was shown on a channel so far. */
  bytes(channel: number = CHANNELS.stdout): Buffer {
    return Buffer.concat(this.shown.filter((it) => it.channel === channel).map(({ data }) => data));
  }

  /** Waits for the first message of a type. */
  async said(type: string, timeout = 10_000): Promise<Record<string, unknown>> {
    return vi.waitFor(
      () => {
        const found = this.texts.find((it) => it['type'] === type);
        if (!found) throw new Error(`no ${type} in ${JSON.stringify(this.texts)}, ${this.code}`);
        return found;
      },
      { timeout, interval: 5 },
    );
  }

  /** Waits until the connection is closed, and gives the code. */
  async closed(): Promise<number> {
    return vi.waitFor(
      () => {
        if (this.code === undefined) throw new Error('still open');
        return this.code;
      },
      { timeout: 15_000, interval: 5 },
    );
  }

  leave(): void {
    this.socket.terminate();
  }
}

function webSocket(port: number, to: Connecting): WebSocket {
  const { id, ticket, kind = 'terminal', query = '', headers = {} } = to;
  const protocols = to.protocols ?? [PROTOCOLS[kind], `${TICKET_PREFIX}${ticket}`];
  const url = `ws://127.0.0.1:${port}/v1/sessions/${id}/${kind}${query}`;
  return new WebSocket(url, [...protocols], { headers });
}

/** The answer to a connection that is refused before it is one. */
export async function refusalOf(
  port: number,
  to: Connecting,
): Promise<{ status: number; type: string; detail: string }> {
  const socket = webSocket(port, to);
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('was let in')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (data: Buffer) => (body += data.toString('utf8')));
      response.on('end', () => {
        const { type, detail } = JSON.parse(body) as { type: string; detail: string };
        resolve({ status: response.statusCode ?? 0, type, detail });
      });
    });
  });
}

/** Opens the connection by hand, for what no library would send. */
export async function rawConnection(
  port: number,
  { id, ticket }: Connecting,
): Promise<{ socket: Duplex; response: IncomingMessage }> {
  const call = request({
    port,
    host: '127.0.0.1',
    path: `/v1/sessions/${id}/terminal`,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': `${PROTOCOLS.terminal}, ${TICKET_PREFIX}${ticket}`,
      'sec-websocket-extensions': 'permessage-deflate',
    },
  });
  call.end();
  return new Promise((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => reject(new Error(`answered ${response.statusCode}`)));
    call.on('upgrade', (response, socket) => {
      socket.on('error', () => undefined);
      resolve({ socket, response });
    });
  });
}
