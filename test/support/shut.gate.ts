import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * What stands before a server and can be shut: frozen, it takes connections and passes nothing on, either way, as a
 * machine does that hangs; closed, it takes none and cuts those that there are.
 */
export class ShutGate implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private readonly waiting = new Set<Socket>();
  private frozen = false;

  private constructor(
    private readonly server: Server,
    private readonly to: number,
    readonly port: number,
  ) {
    server.on('connection', (socket) => this.take(socket));
  }

  static async before(url: string): Promise<ShutGate> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ShutGate(server, Number(new URL(url).port), (server.address() as AddressInfo).port);
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  freeze(): void {
    this.frozen = true;
    for (const socket of this.sockets) socket.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const socket of this.sockets) socket.resume();
    for (const socket of this.waiting) this.pass(socket);
    this.waiting.clear();
  }

  close(): void {
    this.server.close();
    for (const socket of [...this.sockets, ...this.waiting]) socket.destroy();
  }

  async open(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  private take(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.frozen) {
      this.waiting.add(socket);
      socket.once('close', () => this.waiting.delete(socket));
    } else {
      this.pass(socket);
    }
  }

  private pass(client: Socket): void {
    const server = connect(this.to, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(one);
      one.on('data', (data) => other.write(data));
      one.on('error', () => one.destroy());
      one.once('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
    client.resume();
  }
}
