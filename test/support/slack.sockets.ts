import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { z } from 'zod';

const Acked = z.object({ envelope_id: z.string(), payload: z.unknown().optional() });

/** Slack's side of Socket Mode: `apps.connections.open` and the WebSockets behind it. It sends each envelope to one of them. */
export class SlackSockets {
  readonly open: WebSocket[] = [];
  readonly acked = new Map<string, unknown>();
  /** What Slack says instead of an address to connect to. */
  refusal: string | undefined;
  /** How often that was asked for. */
  asked = 0;
  /** Whether connections are greeted. */
  greets = true;
  private sent = 0;

  private constructor(
    private readonly http: ReturnType<typeof createServer>,
    private readonly sockets: WebSocketServer,
  ) {}

  static async listen(): Promise<SlackSockets> {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    const slack = new SlackSockets(http, sockets);
    http.on('request', (_request, response) => {
      slack.asked += 1;
      const url = `ws://127.0.0.1:${portOf(http)}/link`;
      const { refusal: error } = slack;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(error === undefined ? { ok: true, url } : { ok: false, error }));
    });
    sockets.on('connection', (socket) => slack.take(socket));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return slack;
  }

  get url(): string {
    return `http://127.0.0.1:${portOf(this.http)}/api/`;
  }

  /** @param to to which of the connections; by turns where left out. */
  send(type: 'slash_commands' | 'interactive', payload: object, to = this.sent): string {
    const id = `e-${(this.sent += 1)}`;
    this.resend(id, type, payload, to);
    return id;
  }

  /** The same envelope, again. */
  resend(id: string, type: string, payload: object, to: number): void {
    const envelope = { envelope_id: id, type, payload, accepts_response_payload: true };
    this.open[to % this.open.length]?.send(JSON.stringify(envelope));
  }

  /** Slack ends the connections, or announces that it will. */
  end(how: 'closed' | 'cut' | 'refresh_requested' | 'warning'): void {
    for (const socket of [...this.open]) {
      if (how === 'closed') socket.close(1000);
      else if (how === 'cut') socket.terminate();
      else socket.send(JSON.stringify({ type: 'disconnect', reason: how }));
    }
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.terminate();
    this.sockets.close();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  private take(socket: WebSocket): void {
    this.open.push(socket);
    socket.on('close', () => this.open.splice(this.open.indexOf(socket), 1));
    socket.on('message', (data: Buffer) => {
      const acked = Acked.safeParse(JSON.parse(data.toString('utf8')));
      if (acked.success) this.acked.set(acked.data.envelope_id, acked.data.payload ?? null);
    });
    if (!this.greets) return;
    socket.send(JSON.stringify({ type: 'hello', num_connections: this.open.length }));
  }
}

function portOf(server: ReturnType<typeof createServer>): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}
