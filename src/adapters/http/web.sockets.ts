import type { OnModuleDestroy } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { WebSocketServer } from 'ws';
import type { Caller } from '../../app/caller.js';
import { personOf } from '../../app/caller.js';
import { MESSAGE_BYTES_MAX, PROTOCOLS } from '../../contract/terminal.schema.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import { TICKET_KINDS } from '../../domain/ticket.js';
import type { TicketKind } from '../../domain/ticket.js';
import { HttpSettings } from './http.settings.js';
import { SocketConnection } from './socket.connection.js';
import { farewell } from './socket.farewells.js';
import type { Upgrade } from './upgrades.js';

const BUSY_RETRY_SECONDS = 30;
const SWEEP_MILLISECONDS = 20;

/** The open WebSockets of this replica. */
@Injectable()
export class WebSockets implements OnModuleDestroy {
  private readonly open = new Map<SocketConnection, string>();
  private readonly mine = new Map<string, number>();
  private readonly servers = new Map<TicketKind, WebSocketServer>();
  private readonly heart: NodeJS.Timeout;
  private isStopping = false;

  constructor(private readonly settings: HttpSettings) {
    const { pingSeconds, stalledSeconds } = settings.sockets;
    for (const kind of TICKET_KINDS) this.servers.set(kind, serverOf(kind, stalledSeconds));
    this.heart = setInterval(() => this.beat(), (pingSeconds * 1000) / 3);
    this.heart.unref();
  }

  /** How many are open. */
  get count(): number {
    return this.open.size;
  }

  /** How much waits in all of them together, in bytes. */
  get waitingBytes(): number {
    return [...this.open.keys()].reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
  }

  /** Refuses a connection beyond the bounds; undefined where there is room for one. */
  refusal(caller: Caller): Problem | undefined {
    const { perPersonMax, totalMax } = this.settings.sockets;
    const mine = this.mine.get(keyOf(caller)) ?? 0;
    if (mine < perPersonMax && this.open.size < totalMax) return undefined;
    const detail =
      mine < perPersonMax
        ? 'Too many connections are open here.'
        : `You have ${perPersonMax} connections open, and no more are allowed: close one.`;
    return problem('too-many-requests', detail, { retryAfterSeconds: BUSY_RETRY_SECONDS });
  }

  /** Makes a connection of the upgrade; undefined where the client has left already. */
  accept(kind: TicketKind, upgrade: Upgrade, caller: Caller): SocketConnection | undefined {
    const { sockets } = this.settings;
    let connection: SocketConnection | undefined;
    const { request, socket, head } = upgrade;
    this.servers.get(kind)?.handleUpgrade(request, socket, head, (accepted) => {
      connection = new SocketConnection(accepted, sockets, (found) =>
        farewell({ kind: 'refused', problem: found }, sockets),
      );
      this.count1(connection, keyOf(caller), accepted);
    });
    if (this.isStopping) connection?.end(farewell({ kind: 'shutdown' }, sockets));
    return connection;
  }

  /** Tells everybody that this replica stops, and waits until they have closed, for a moment. */
  async onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.heart);
    for (const connection of this.open.keys()) {
      connection.end(farewell({ kind: 'shutdown' }, this.settings.sockets));
    }
    while (this.open.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, SWEEP_MILLISECONDS));
    }
    for (const server of this.servers.values()) server.close();
  }

  private count1(
    connection: SocketConnection,
    key: string,
    socket: { once(event: 'close', heard: () => void): unknown },
  ): void {
    this.open.set(connection, key);
    this.mine.set(key, (this.mine.get(key) ?? 0) + 1);
    socket.once('close', () => {
      this.open.delete(connection);
      const left = (this.mine.get(key) ?? 1) - 1;
      if (left > 0) this.mine.set(key, left);
      else this.mine.delete(key);
    });
  }

  private beat(): void {
    const now = performance.now();
    for (const connection of this.open.keys()) connection.beat(now);
  }
}

function serverOf(kind: TicketKind, closeSeconds: number): WebSocketServer {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
    autoPong: false,
    closeTimeout: closeSeconds * 1000,
    handleProtocols: () => PROTOCOLS[kind],
  };
  return new WebSocketServer(options);
}

function keyOf(caller: Caller): string {
  const { iss, sub } = personOf(caller);
  return JSON.stringify([iss, sub]);
}
