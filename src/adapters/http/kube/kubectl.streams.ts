import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { OnModuleDestroy } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Caller } from '../../../app/caller.js';
import type { OpenStream } from '../../../app/enter-session.js';
import { Journal } from '../../../app/ports/journal.js';
import type { Problem } from '../../../domain/problem.js';
import { invariant, isProblem, problem } from '../../../domain/problem.js';
import { CHANNEL, CHANNEL_PROTOCOLS } from '../../net/kube.channels.js';
import { HttpSettings } from '../http.settings.js';
import { Refused } from '../refused.error.js';
import { graceSecondsOf } from '../socket.farewells.js';
import type { Upgrade } from '../upgrades.js';
import { asksWebSocket, takeUpgrade } from '../upgrades.js';
import { serveChannels } from './channel.server.js';
import { isSet, queryOf } from './kube.query.js';
import { STOPPED } from './kube.status.js';
import { RefusedUpgrades } from './refused.upgrades.js';

const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** How long a client may take to hear that this replica stops. */
const STOPPING_MS = 500;

const NOT_SPOKEN = problem(
  'invalid-request',
  'Hallpass speaks WebSockets (v5.channel.k8s.io, v4.channel.k8s.io) and no SPDY: use kubectl 1.30 or newer, or 1.29 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true.',
);

async function sayStopped(client: WebSocket): Promise<void> {
  const status = Buffer.from(JSON.stringify(STOPPED));
  client.send(Buffer.concat([Buffer.of(CHANNEL.status), status]), { binary: true });
  client.close(1000);
  await new Promise((resolve) => client.once('close', resolve));
}

/** Upgrades requests of kubectl to WebSockets of channels, and keeps count of those that are open. */
@Injectable()
export class KubectlStreams implements OnModuleDestroy {
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols: (offered) => CHANNEL_PROTOCOLS.find((one) => offered.has(one)) ?? false,
  });

  private readonly refused = new RefusedUpgrades();
  private readonly stopping = new AbortController();

  constructor(
    private readonly journal: Journal,
    private readonly settings: HttpSettings,
  ) {}

  /** Aborted when this replica stops. */
  get untilStopped(): AbortSignal {
    return this.stopping.signal;
  }

  /** The number of streams that are open, for tests. */
  get count(): number {
    return this.server.clients.size;
  }

  /** How much waits for all of them together to be read, in bytes, for tests. */
  get waitingBytes(): number {
    return [...this.server.clients].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
  }

  /**
   * @throws Refused where kubectl asks for what is not spoken here, with what it was refused for just before, by WebSocket,
   * where that was something else.
   */
  checkUpgrade(caller: Caller, request: FastifyRequest): void {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
    const isSpoken = CHANNEL_PROTOCOLS.some((one) => offered.includes(one));
    if (isSpoken && asksWebSocket(request.raw)) return;
    throw new Refused(this.refused.take(caller, request) ?? NOT_SPOKEN);
  }

  /** The stream. @throws Refused where there is none; kubectl, which then asks again by SPDY, hears the same. */
  orRefuse(caller: Caller, request: FastifyRequest, outcome: OpenStream | Problem): OpenStream {
    if (!isProblem(outcome)) return outcome;
    this.refused.keep(caller, request, outcome);
    throw new Refused(outcome);
  }

  /** Serves an open stream on the request's connection, to its end. Never throws. */
  async serve(request: FastifyRequest, reply: FastifyReply, stream: OpenStream): Promise<void> {
    let connection: Duplex | undefined;
    try {
      const upgrade = invariant(takeUpgrade(request, reply), 'an upgrade that nobody took');
      connection = upgrade.socket;
      const socket = await this.accept(upgrade, stream);
      const query = queryOf(request);
      if (!socket) return;
      await serveChannels(socket, stream, {
        tty: isSet(query, 'tty'),
        stderr: isSet(query, 'stderr'),
        graceSeconds: (end) => graceSecondsOf(end, this.settings.sockets),
      });
    } catch (error) {
      this.journal.error({ err: error }, 'a stream of kubectl failed');
      connection?.destroy();
    } finally {
      // Whatever happened: a stream that nobody serves must not stay open.
      stream.leave();
    }
  }

  /** Undefined where the client has left meanwhile. */
  private accept(
    { request, socket, head }: Upgrade,
    stream: OpenStream,
  ): Promise<WebSocket | undefined> {
    if (socket.destroyed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      socket.once('close', () => {
        stream.leave();
        resolve(undefined);
      });
      this.server.handleUpgrade(request, socket, head, resolve);
    });
  }

  /** Who is still there is told that it is this replica which stops, and then cut: the session goes on. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    const clients = [...this.server.clients];
    await Promise.race([Promise.all(clients.map(sayStopped)), pause(STOPPING_MS)]);
    for (const client of clients) client.terminate();
    this.server.close();
  }
}
