import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ApiRequest, Reply } from './api.exchange.js';
import { route } from './api.router.js';
import type { User } from './authenticator.js';
import type { ClusterParts } from './cluster.parts.js';
import { refusalOf } from './faults.js';
import { impersonation } from './impersonation.js';
import { offeredStreamProtocols } from './port.upgrade.js';
import { readRequestInfo } from './request.info.js';
import { sandboxAdmin } from './sandbox.admin.js';
import type { ServerCertificate } from './server.certificate.js';
import {
  badRequest,
  forbidden,
  isRefusal,
  refuse,
  unauthorized,
  type Refusal,
} from './status.objects.js';
import {
  acceptStream,
  internalFailure,
  offeredProtocols,
  refuseUpgrade,
  StreamAcceptor,
} from './stream.upgrade.js';

/** The API server's own limit on request bodies (measured: "limit is 3145728"). */
const bodyBytesMax = 3 * 1024 * 1024;

/** A request before it is known whether it may be answered. */
interface Incoming {
  request: ApiRequest;
  /** Set when the connection is to be dropped once the request has taken effect. */
  dropAfter: boolean;
}

/** HTTPS on 127.0.0.1: faults, authentication, authorization, the router, and WebSockets. */
export class ApiServer {
  readonly #server: Server;
  readonly #streams: StreamAcceptor;
  readonly #sockets = new Set<Duplex>();
  readonly #closing = new AbortController();
  /** When each request arrived, by `performance.now()`. */
  readonly #arrivals = new WeakMap<IncomingMessage, number>();
  #tlsConnections = 0;

  constructor(
    private readonly parts: ClusterParts,
    certificate: ServerCertificate,
  ) {
    this.#streams = new StreamAcceptor(parts);
    this.#server = createServer({ cert: certificate.certPem, key: certificate.keyPem });
    this.#server.on('secureConnection', () => this.#tlsConnections++);
    this.#server.on('connection', (socket: Duplex) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (request, response) => void this.#answer(request, response));
    this.#server.on(
      'upgrade',
      (request, socket, head) => void this.#upgrade(request, socket, head),
    );
  }

  /** TLS connections made since the start, and those open now. */
  get connections(): { made: number; open: number } {
    return { made: this.#tlsConnections, open: this.#sockets.size };
  }

  /** Cuts every connection there is, as a network that breaks does; new ones are taken. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on, new connections are given this certificate. */
  renew({ certPem, keyPem }: ServerCertificate): void {
    this.#server.setSecureContext({ cert: certPem, key: keyPem });
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `127.0.0.1:${port}`;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve());
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#streams.close();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.dropConnections();
    });
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    this.#closing.signal.addEventListener('abort', () => gone.abort(), { signal: gone.signal });
    response.on('error', () => gone.abort());
    try {
      const known = await this.#receive(incoming);
      if (known === 'dropped') return;
      const reply = isRefusal(known) ? known : await this.#reply(known.request, gone.signal);
      if (!isRefusal(known) && known.dropAfter) {
        this.#log(incoming, 0, known.request);
        incoming.socket.destroy();
        return;
      }
      const request = isRefusal(known) ? undefined : known.request;
      this.#log(incoming, 'status' in reply ? reply.status : 200, request);
      await send(response, reply, gone.signal);
    } catch (error) {
      // A defect of the stand-in itself: said to the client as the real server says its own.
      const message = error instanceof Error ? error.message : String(error);
      this.#log(incoming, 500);
      if (response.headersSent) response.destroy();
      else await send(response, internalFailure(message), gone.signal);
    }
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const known = await this.#receive(incoming);
    if (known === 'dropped') return;
    const request = isRefusal(known) ? undefined : known.request;
    const stream = isRefusal(known) ? known : this.#connect(known.request, incoming);
    this.#log(incoming, isRefusal(stream) ? stream.status : 101, request);
    if (isRefusal(stream)) {
      refuseUpgrade(socket, stream);
      return;
    }
    this.#streams.accept(incoming, socket, head, stream);
    if (!isRefusal(known) && known.dropAfter) socket.destroy();
  }

  #connect(request: ApiRequest, incoming: IncomingMessage) {
    const refusal = this.parts.authorizer.check(request.user, request.info);
    if (refusal !== undefined) return refusal;
    const upgrade = (incoming.headers.upgrade ?? '').toLowerCase();
    const offered =
      upgrade === 'websocket' ? offeredProtocols(incoming) : offeredStreamProtocols(incoming);
    return acceptStream(this.parts, request, upgrade, offered);
  }

  async #reply(request: ApiRequest, gone: AbortSignal): Promise<Reply> {
    const { info, user } = request;
    if (info.path.startsWith('/_sandbox/')) {
      const isAdmin = user.groups.includes('system:masters');
      if (isAdmin) return sandboxAdmin(this.parts, request);
      return forbidden({ group: '', resource: 'sandbox' }, 'the admin token only');
    }
    const refusal = this.parts.authorizer.check(user, info);
    if (refusal !== undefined) return refusal;
    return route(this.parts, request, this.address, gone);
  }

  /** Faults first, then who it is and what it is about. */
  async #receive(incoming: IncomingMessage): Promise<Incoming | Refusal | 'dropped'> {
    this.#arrivals.set(incoming, performance.now());
    const { faults } = this.parts;
    const method = incoming.method ?? 'GET';
    const url = incoming.url ?? '/';
    const isAdminDoor = url.startsWith('/_sandbox/');
    if (!isAdminDoor) {
      await faults.holdUp(method, url, this.#closing.signal);
      const struck = faults.strikeRequest(['refuse', 'drop'], method, url);
      if (struck?.kind === 'refuse') return refusalOf(struck);
      if (struck?.when === 'before') {
        this.#log(incoming, 0);
        incoming.socket.destroy();
        return 'dropped';
      }
      const request = this.#read(incoming, method, url);
      return isRefusal(request) ? request : { request, dropAfter: struck !== undefined };
    }
    const request = this.#read(incoming, method, url);
    return isRefusal(request) ? request : { request, dropAfter: false };
  }

  #read(incoming: IncomingMessage, method: string, url: string): ApiRequest | Refusal {
    const requester: User | Refusal = this.parts.authenticator.authenticate(
      incoming.headers.authorization,
    );
    if (isRefusal(requester)) return unauthorized();
    const at = url.indexOf('?');
    const path = at < 0 ? url : url.slice(0, at);
    const query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
    const info = readRequestInfo(method, path, query);
    if (info === undefined) return badRequest('invalid URL escape');
    const impersonated = impersonation(this.parts.authorizer, requester, {
      headers: incoming.headersDistinct,
      info,
    });
    if (isRefusal(impersonated)) return impersonated;
    return {
      method,
      url,
      query,
      info,
      user: impersonated?.user ?? requester,
      requester,
      ...(impersonated === undefined ? {} : { impersonated }),
      contentType: incoming.headers['content-type'] ?? '',
      accept: incoming.headers.accept ?? '',
      readBody: () => readBody(incoming),
      annotations: {},
    };
  }

  #log(incoming: IncomingMessage, status: number, request?: ApiRequest): void {
    const answeredMs = performance.now();
    this.parts.requests.add({
      at: this.parts.now(),
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      user: request?.requester.name ?? '',
      ...(request?.impersonated === undefined ? {} : { impersonated: request.impersonated }),
      status,
      annotations: request?.annotations ?? {},
      arrivedMs: this.#arrivals.get(incoming) ?? answeredMs,
      answeredMs,
    });
  }
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | Refusal> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size <= bodyBytesMax) chunks.push(bytes);
  }
  if (size <= bodyBytesMax) return Buffer.concat(chunks);
  return refuse({
    code: 413,
    reason: 'RequestEntityTooLarge',
    message: `Request entity too large: limit is ${bodyBytesMax}`,
    details: {},
  });
}

async function send(response: ServerResponse, reply: Reply, gone: AbortSignal): Promise<void> {
  if ('write' in reply) {
    response.writeHead(200, reply.headers);
    await reply.write(response, gone);
    return;
  }
  const isText = typeof reply.body === 'string';
  const text = typeof reply.body === 'string' ? reply.body : `${JSON.stringify(reply.body)}\n`;
  response.writeHead(reply.status, {
    ...(isText ? {} : { 'content-type': 'application/json' }),
    'cache-control': 'no-cache, private',
    ...reply.headers,
  });
  response.end(text);
}
