import type { Duplex } from 'node:stream';
import type { OnModuleDestroy } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../app/caller.js';
import type { Forwarding } from '../../../app/forward-ports.js';
import { ForwardPorts } from '../../../app/forward-ports.js';
import { Journal } from '../../../app/ports/journal.js';
import { invariant, problem } from '../../../domain/problem.js';
import type { Session } from '../../../domain/session/session.js';
import { orRefuse, Refused } from '../refused.error.js';
import type { Upgrade } from '../upgrades.js';
import { asksUpgrade, takeUpgrade } from '../upgrades.js';
import { mayWait, whileConnected } from './idle.socket.js';
import { SpdyPorts } from './spdy.ports.js';
import { WebSocketPayload } from './websocket.payload.js';

/** The protocol of kubectl 1.31 and newer; older ones ask for SPDY itself. */
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';

/** The headers of each kind of upgrade that go on to the cluster, by what is upgraded to. */
const PASSED_ON: Readonly<Record<string, readonly string[]>> = {
  websocket: ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol'],
  'spdy/3.1': ['x-stream-protocol-version'],
};

/** The headers of the cluster's answer that go back. */
const PASSED_BACK = ['sec-websocket-accept', 'sec-websocket-protocol', 'x-stream-protocol-version'];

/** Passes on what kubectl and the cluster say to each other on a port-forward, after a look at which ports are meant. */
@Injectable()
export class PortForwards implements OnModuleDestroy {
  private readonly open = new Set<Duplex>();

  constructor(
    private readonly forwarding: ForwardPorts,
    private readonly journal: Journal,
  ) {}

  /** The number of tunnels that are open, for tests. */
  get count(): number {
    return this.open.size;
  }

  /** @throws Refused before anything is upgraded; then serves the connection to its end and never throws. */
  async serve(
    request: FastifyRequest,
    reply: FastifyReply,
    { caller, session }: { readonly caller: Caller; readonly session: Session },
  ): Promise<void> {
    const headers = upgradeHeaders(request);
    mayWait(request);
    const signal = whileConnected(request, reply);
    const forwarding = orRefuse(await this.forwarding.open(caller, session, { headers, signal }));
    const upgrade = invariant(takeUpgrade(request, reply), 'an upgrade that nobody took');
    const { socket } = upgrade;
    this.open.add(socket);
    const cut = () => {
      forwarding.tunnel.close();
      socket.destroy();
    };
    forwarding.signal.addEventListener('abort', cut, { once: true });
    if (forwarding.signal.aborted) cut();
    let why = 'left';
    try {
      socket.write(acceptance(forwarding, headers['upgrade'] ?? ''));
      await Promise.all([
        up(upgrade, forwarding, 'sec-websocket-key' in headers),
        down(upgrade, forwarding),
      ]);
    } catch (error) {
      this.journal.info({ session: session.id, err: error }, 'a port-forward was cut');
      why = 'what came could not be read';
    } finally {
      cut();
      this.open.delete(socket);
      if (forwarding.signal.aborted) why = String(forwarding.signal.reason);
      await forwarding.close(why).catch((error: unknown) => {
        this.journal.error({ session: session.id, err: error }, 'a recording was not finished');
      });
    }
  }

  onModuleDestroy(): void {
    for (const socket of this.open) socket.destroy();
  }
}

function upgradeHeaders(request: FastifyRequest): Record<string, string> {
  const { headers } = request;
  const upgrade = headers.upgrade ?? '';
  const offered = headers['sec-websocket-protocol'] ?? '';
  const names = PASSED_ON[upgrade.toLowerCase()];
  const isTunnel = upgrade.toLowerCase() !== 'websocket' || offered.includes(TUNNEL_PROTOCOL);
  if (!names || !isTunnel || !asksUpgrade(request.raw)) {
    throw new Refused(
      problem(
        'invalid-request',
        `Ports are forwarded by SPDY/3.1, or by WebSockets that offer ${TUNNEL_PROTOCOL}.`,
      ),
    );
  }
  const given = names.flatMap((name) => {
    const value = name === 'sec-websocket-protocol' ? TUNNEL_PROTOCOL : headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  return {
    connection: 'Upgrade',
    upgrade,
    ...(Object.fromEntries(given) as Record<string, string>),
  };
}

function acceptance({ tunnel }: Forwarding, upgrade: string): string {
  const back = PASSED_BACK.flatMap((name) => {
    const value = tunnel.headers[name];
    return value === undefined ? [] : [`${name}: ${value}\r\n`];
  });
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${upgrade}\r\nConnection: Upgrade\r\n${back.join('')}\r\n`;
}

/** From the client to the cluster: what ports are reached for is written down before the bytes go on. */
async function up(
  { socket, head }: Upgrade,
  forwarding: Forwarding,
  inWebSocket: boolean,
): Promise<void> {
  const ports = new SpdyPorts();
  const frames = new WebSocketPayload();
  try {
    if (head.length > 0) socket.unshift(head);
    for await (const chunk of socket) {
      const bytes = Buffer.from(chunk as Uint8Array);
      const before = ports.dataBytes;
      for (const port of await ports.see(inWebSocket ? frames.see(bytes) : bytes)) {
        await forwarding.reached(port);
      }
      forwarding.passed('in', ports.dataBytes - before);
      if (!(await forwarding.tunnel.write(bytes))) break;
    }
  } finally {
    ports.close();
    forwarding.tunnel.closeInput();
  }
}

async function down({ socket }: Upgrade, { tunnel, passed }: Forwarding): Promise<void> {
  for await (const data of tunnel.output) {
    passed('out', data.length);
    const written = await new Promise<boolean>((resolve) => {
      socket.write(data, (error) => resolve(!error));
    });
    if (!written) break;
  }
  socket.end();
}
