import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import type { RequestOptions } from 'node:https';
import { request as httpsRequest } from 'node:https';
import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { ClientOptions } from 'ws';
import type { ByteTunnel } from '../../app/ports/cluster.pods.js';
import type { ApiFailure } from './api.failure.js';
import { refusal } from './resilient.http.js';
import { wasNotSent } from './retry.policy.js';

const OPEN_MS = 10_000;
const PROBE_MS = 15_000;
const REFUSAL_BYTES_MAX = 64 * 1024;

type SocketOptions = ClientOptions &
  Pick<RequestOptions, 'servername' | 'auth'> &
  Pick<ConnectionOptions, 'secureContext'>;

/**
 * Asks for an upgrade and gives the connection as it is then, whatever is spoken on it. `headers` say what to upgrade
 * to; the credentials are those of `options`.
 */
export function openTunnel(args: {
  readonly url: URL;
  readonly options: SocketOptions;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}): Promise<ByteTunnel | ApiFailure> {
  const { url, options, headers, signal } = args;
  const secure = url.protocol === 'wss:' || url.protocol === 'https:';
  const address = new URL(url);
  address.protocol = secure ? 'https:' : 'http:';
  // SPDY is asked for by POST, a WebSocket by GET (RFC 6455 §4.1).
  const method = 'sec-websocket-key' in headers ? 'GET' : 'POST';
  return new Promise((resolve) => {
    const silent = (cause: unknown) =>
      resolve({ failure: 'silent', definite: wasNotSent(cause), cause });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(OPEN_MS)]);
    const request = (secure ? httpsRequest : httpRequest)(address, {
      ...trustOf(options),
      method,
      headers: { ...options.headers, ...headers },
      signal: limit,
    });
    request.once('error', silent);
    request.once('upgrade', (response, socket, head) => {
      // From here on the opening's limit must not cut it.
      resolve(new SocketTunnel(response, socket, { head, signal }));
    });
    request.once('response', (response) => {
      void readRefusal(response).then(resolve, silent);
    });
    request.end();
  });
}

/** A connection after its upgrade. */
class SocketTunnel implements ByteTunnel {
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    response: IncomingMessage,
    private readonly socket: Duplex,
    { head, signal }: { readonly head: Buffer; readonly signal: AbortSignal },
  ) {
    this.headers = textOf(response.headers);
    // Its close follows, and says enough.
    socket.on('error', () => undefined);
    // What is spoken on it may be silent for hours: a peer that is gone is found by TCP.
    if (socket instanceof Socket) socket.setKeepAlive(true, PROBE_MS);
    if (head.length > 0) socket.unshift(head);
    const abort = () => socket.destroy();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  }

  get output(): AsyncIterable<Uint8Array> {
    return read(this.socket);
  }

  write(data: Uint8Array): Promise<boolean> {
    if (!this.socket.writable) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.socket.write(data, (error) => resolve(!error));
    });
  }

  closeInput(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** What to trust and how to sign in. Without an agent of its own it shares no connection, which others signed in on. */
function trustOf({ agent, ...options }: SocketOptions): RequestOptions {
  const { ca, cert, key, pfx, passphrase, secureContext } = options;
  const { rejectUnauthorized, servername, auth } = options;
  const trust = { ca, cert, key, pfx, passphrase, secureContext };
  const given = { ...trust, rejectUnauthorized, servername, auth, agent: agent ?? false };
  // Node's TLS takes an undefined `rejectUnauthorized` for "no".
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function* read(socket: Duplex): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of socket) yield Buffer.from(chunk as Uint8Array);
  } catch {
    // Cut: there is no more, which is all that the reader needs to know.
  }
}

async function readRefusal(response: IncomingMessage): Promise<ApiFailure> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    const part = Buffer.from(chunk as Uint8Array);
    parts.push(part);
    bytes += part.length;
    if (bytes > REFUSAL_BYTES_MAX) break;
  }
  return refusal({
    httpStatus: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: Buffer.concat(parts).toString('utf8'),
  });
}

function textOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
}
