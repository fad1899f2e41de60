import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { streamProtocols, type StreamProtocol } from '../runtime/channel.frames.js';
import { serveStream, type StreamRequest } from '../runtime/stream.server.js';
import { admissionRequest } from './admission.request.js';
import type { ApiRequest } from './api.exchange.js';
import { attributesOf } from './authorizer.js';
import type { ClusterParts } from './cluster.parts.js';
import { allContainers, chooseContainer } from './pod.containers.js';
import { type AcceptedPorts, acceptPorts, PortAcceptor } from './port.upgrade.js';
import { isTrue } from './request.info.js';
import {
  badRequest,
  forbidden,
  isRefusal,
  notFound,
  notSupported,
  refuse,
  refuseAsText,
  type Refusal,
} from './status.objects.js';

/** What an exec, an attach or a port forwarding asks for, once nothing stands against it. */
export type AcceptedStream = Omit<StreamRequest, 'protocol'> | AcceptedPorts;

/**
 * All that is said before the upgrade (measured: test/kubernetes-1.36/stream): both RBAC verbs, the Pod, its container,
 * the sub-protocol, then what the kubelet would say.
 */
export function acceptStream(
  parts: ClusterParts,
  request: ApiRequest,
  upgrade: string,
  offered: readonly string[],
): AcceptedStream | Refusal {
  const { info, query, user } = request;
  const kind = info.subresource;
  const name = info.name ?? '';
  if (kind === 'proxy') return notSupported('pods/proxy');
  const isStream = kind === 'exec' || kind === 'attach' || kind === 'portforward';
  if (info.group !== '' || info.resource !== 'pods' || !isStream) {
    return badRequest('this request cannot be upgraded');
  }
  const admitted = parts.admission.review({
    object: connectOptions(query),
    oldObject: null,
    request: admissionRequest(request, 'CONNECT'),
  });
  Object.assign(request.annotations, admitted.annotations);
  if (admitted.refusal !== undefined) return admitted.refusal;
  // A WebSocket is a GET, and still has to be allowed `create` (pkg/registry/core/pod/rest/authorize.go).
  const asCreate = { ...attributesOf(info), verb: 'create' };
  if (!parts.authorizer.authorize(user, asCreate).allowed) {
    return forbidden({ group: '', resource: 'pods', name }, '');
  }
  const pod = parts.store.get('pods', info.namespace, name);
  if (pod === undefined) return notFound({ group: '', resource: 'pods', name });
  if (kind === 'portforward') return acceptPorts(parts, { pod, upgrade, offered });
  const container = chooseContainer(pod, query.get('container'));
  if (isRefusal(container)) return container;
  if (pod.spec.nodeName === undefined) {
    return badRequest(`pod ${name} does not have a host assigned`);
  }
  const isWebSocket = upgrade === 'websocket';
  if (isWebSocket && offered.length > 0 && !offered.some(isProtocol)) {
    // Go's WebSocket handshake refuses without a word (measured: stream/exec-unknown-subprotocol.json).
    return { refused: true, status: 403, body: '', headers: {} };
  }
  const process = parts.kubelet.process(pod, container);
  if (process === undefined) {
    return refuseAsText(
      500,
      kind === 'exec'
        ? `container not found ("${container}")`
        : `container ${container} not found in pod ${name}_${info.namespace}`,
    );
  }
  const spec = allContainers(pod).find((c) => c.name === container);
  const [stdin, stdout, stderr] = ['stdin', 'stdout', 'stderr'].map((s) => isTrue(query.get(s)));
  // The terminal of an attach is what the container has, whatever is asked.
  const tty = kind === 'attach' ? spec?.tty === true : isTrue(query.get('tty'));
  if (!stdin && !stdout && !stderr) {
    return refuseAsText(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  if (tty && stderr === true) {
    return refuseAsText(
      500,
      'rpc error: code = InvalidArgument desc = tty and stderr cannot both be true',
    );
  }
  if (!isWebSocket) return notSupported(`${kind} over SPDY`);
  return {
    kind,
    container: process.id,
    command: kind === 'exec' ? parts.kubelet.played(pod, container, query.getAll('command')) : [],
    stdin: stdin === true && (kind === 'exec' || spec?.stdin === true),
    stdinOnce: kind === 'exec' || spec?.stdinOnce === true,
    stdout: stdout === true,
    stderr: stderr === true,
    tty,
  };
}

/** PodExecOptions and PodAttachOptions, as admission sees them: only what was said. */
function connectOptions(query: URLSearchParams): object {
  const said = ['stdin', 'stdout', 'stderr', 'tty'].filter((name) => isTrue(query.get(name)));
  const container = query.get('container') ?? '';
  const command = query.getAll('command');
  return {
    ...Object.fromEntries(said.map((name) => [name, true])),
    ...(container === '' ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  };
}

function isProtocol(name: string): name is StreamProtocol {
  return streamProtocols.some((protocol) => protocol === name);
}

export function offeredProtocols(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Accepts WebSockets and gives them to the runtime. */
export class StreamAcceptor {
  readonly #server: WebSocketServer;
  readonly #ports = new PortAcceptor();

  constructor(private readonly parts: ClusterParts) {
    this.#server = new WebSocketServer({
      noServer: true,
      // As golang.org/x/net/websocket, DefaultMaxPayloadBytes.
      maxPayload: 32 * 1024 * 1024,
      // The first the client offers that the server knows, as the real one chooses.
      handleProtocols: (offered) => [...offered].find(isProtocol) ?? false,
    });
    this.#server.on('headers', (headers, request) => {
      // With none offered Go's server answers an empty one (measured: stream/exec-no-subprotocol.json).
      if (offeredProtocols(request).length === 0) headers.push('Sec-WebSocket-Protocol: ');
    });
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, stream: AcceptedStream): void {
    if (stream.kind === 'portforward') {
      this.#ports.accept(request, socket, head, stream);
      return;
    }
    const protocol = offeredProtocols(request).find(isProtocol) ?? 'channel.k8s.io';
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      serveStream(this.parts.runtime, webSocket, { ...stream, protocol });
    });
  }

  close(): void {
    this.#ports.close();
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}

/** Writes a refusal to a socket that asked for an upgrade. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = typeof refusal.body === 'string' ? refusal.body : JSON.stringify(refusal.body);
  const bare = body === '' && Object.keys(refusal.headers).length === 0;
  const headers: Record<string, string> = {
    ...(typeof refusal.body === 'string' ? {} : { 'content-type': 'application/json' }),
    ...refusal.headers,
    ...(bare ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${body}`,
  );
}

export const internalFailure = (message: string): Refusal =>
  refuse({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
