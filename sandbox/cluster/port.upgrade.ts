import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { ClusterParts } from './cluster.parts.js';
import type { Pod } from './pod.schema.js';
import {
  forwardPorts,
  portForwardProtocol,
  type PortSide,
  tunnelledProtocol,
} from './port.forwarder.js';
import { badRequest, notSupported, refuseAsText, type Refusal } from './status.objects.js';

/** A port forwarding that nothing stands against. */
export interface AcceptedPorts {
  kind: 'portforward';
  side: PortSide;
}

/**
 * What is said of a Pod's ports before the upgrade, once RBAC allows it. SPDY as it is, or in the binary messages of a
 * WebSocket; the channels that kubelets also know are not played.
 */
export function acceptPorts(
  { kubelet }: ClusterParts,
  asked: { pod: Pod; upgrade: string; offered: readonly string[] },
): AcceptedPorts | Refusal {
  const { pod, upgrade, offered } = asked;
  const { name, namespace, uid } = pod.metadata;
  if (pod.spec.nodeName === undefined) {
    return badRequest(`pod ${name} does not have a host assigned`);
  }
  if (upgrade === 'websocket' ? !offered.includes(tunnelledProtocol) : upgrade !== 'spdy/3.1') {
    return notSupported('port forwarding by other protocols than SPDY/3.1');
  }
  // k8s.io/streaming httpstream.Handshake.
  if (upgrade !== 'websocket' && !offered.includes(portForwardProtocol)) {
    const why =
      offered.length === 0
        ? 'X-Stream-Protocol-Version is required'
        : `unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${portForwardProtocol}]`;
    return refuseAsText(403, `unable to upgrade: ${why}`);
  }
  const side = kubelet.ports(pod);
  // pkg/kubelet/kuberuntime, GetPortForward.
  if (side === undefined) {
    return refuseAsText(500, `failed to find sandboxID for pod ${name}_${namespace ?? ''}(${uid})`);
  }
  return { kind: 'portforward', side };
}

/** What a client of raw SPDY offers to speak on the streams. */
export function offeredStreamProtocols({ headers }: IncomingMessage): string[] {
  return [headers['x-stream-protocol-version'] ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((name) => name.trim());
}

/** Accepts upgrades to SPDY/3.1, raw or in a WebSocket. */
export class PortAcceptor {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 32 * 1024 * 1024 });

  constructor() {
    this.#server.on('headers', (headers) => {
      headers.push(`Sec-WebSocket-Protocol: ${tunnelledProtocol}`);
    });
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, { side }: AcceptedPorts): void {
    if (request.method === 'GET') {
      // The name is no token as RFC 6455 §4.1 asks for, and `ws` would refuse it: the choice is made, and told, here.
      delete request.headers['sec-websocket-protocol'];
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        void forwardPorts(createWebSocketStream(webSocket), side);
      });
      return;
    }
    socket.write(
      [
        'HTTP/1.1 101 Switching Protocols',
        'Connection: Upgrade',
        'Upgrade: SPDY/3.1',
        `X-Stream-Protocol-Version: ${portForwardProtocol}`,
        '\r\n',
      ].join('\r\n'),
    );
    if (head.length > 0) socket.unshift(head);
    void forwardPorts(socket, side);
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}
