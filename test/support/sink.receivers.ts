import { createServer as createHttp } from 'node:http';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:net';
import { createServer as createTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { loggedEvent } from '../../src/domain/audit/logged.event.js';
import type { LoggedEvent } from '../../src/domain/audit/logged.event.js';

/** What came to a receiver over HTTP. */
export interface Post {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly port: number;
}

/** Answers each POST with what `answer` says. */
export async function httpReceiver(
  answer: (post: Post) => { status: number; body?: string; headers?: Record<string, string> },
  tls?: { readonly key: string; readonly cert: string },
): Promise<Receiver & { readonly posts: Post[] }> {
  const posts: Post[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const post = { path: request.url ?? '', headers: request.headers, body };
      posts.push(post);
      const { status, body: text = '', headers = {} } = answer(post);
      response.writeHead(status, headers).end(text);
    });
  };
  const server = tls ? createHttps(tls, listener) : createHttp(listener);
  return { posts, ...(await listening(server)) };
}

/** A syslog receiver: gives what it was sent on each connection, as bytes. */
export async function syslogReceiver(
  tls: { readonly key: string; readonly cert: string },
  each: (socket: TLSSocket) => void = () => undefined,
): Promise<Receiver & { readonly streams: string[] }> {
  const streams: string[] = [];
  const server = createTls(tls, (socket) => {
    const at = streams.push('') - 1;
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => (streams[at] = `${streams[at] ?? ''}${text}`));
    each(socket);
  });
  server.on('tlsClientError', () => undefined);
  return { streams, ...(await listening(server)) };
}

async function listening(server: Server): Promise<Receiver> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export async function certificate(): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  return { key: made.private, cert: made.cert };
}

/** Events as they are in a log, from a place on. */
export function someEvents(count: number, first = 0): LoggedEvent[] {
  return Array.from({ length: count }, (_, at) =>
    loggedEvent(
      first + at,
      Buffer.from(
        JSON.stringify({
          action: 'session.break-glass',
          actor: { kind: 'person', sub: 'kim', address: '192.0.2.7' },
          id: `event-${first + at}`,
          outcome: 'success',
          reason: 'Füße\n"]',
          session: 's-1',
          time: '2026-11-28T10:00:00.500Z',
        }),
      ),
    ),
  );
}
