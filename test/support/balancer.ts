import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * What stands before replicas: gives each new connection to the next of those that are in, and to another one where that
 * does not take it. As Kubernetes' own, it leaves connections where they are.
 */
export class Balancer implements Disposable {
  private readonly sockets = new Set<Socket>();
  private ports: number[] = [];
  private turn = 0;

  private constructor(private readonly server: Server) {
    server.on('connection', (client) => this.serve(client));
  }

  static async start(): Promise<Balancer> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Balancer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Sends new connections to this one too. */
  add(url: string): void {
    this.ports.push(portOf(url));
  }

  /** Sends it nothing new any more. */
  remove(url: string): void {
    this.ports = this.ports.filter((port) => port !== portOf(url));
  }

  [Symbol.dispose](): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(client: Socket): void {
    this.keep(client);
    this.turn += 1;
    const inTurn = this.ports.map((_, at) => this.ports[(at + this.turn) % this.ports.length]);
    this.tryNext(
      client,
      inTurn.filter((port) => port !== undefined),
    );
  }

  private tryNext(client: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined) return void client.destroy();
    const behind = connect(port, '127.0.0.1');
    this.keep(behind);
    const next = (): void => this.tryNext(client, others);
    behind.once('error', next);
    behind.once('connect', () => {
      behind.off('error', next);
      behind.on('close', () => client.destroy());
      client.on('close', () => behind.destroy());
      behind.pipe(client);
      client.pipe(behind);
    });
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
