import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';

/** A line to a server on this machine, on which what is asked waits, or goes nowhere. Answers come at once. */
export class SlowLine implements AsyncDisposable {
  private readonly sockets = new Set<Socket>();
  private open = Promise.withResolvers<undefined>();
  /** How long what is asked is on its way. */
  delayMs = 0;

  private constructor(private readonly server: Server) {
    this.open.resolve(undefined);
  }

  static async to(port: number): Promise<SlowLine> {
    const server = createServer();
    const line = new SlowLine(server);
    server.on('connection', (near) => line.join(near, connect(port, '127.0.0.1')));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return line;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on nothing that is asked arrives, until {@link resume}. */
  stop(): void {
    this.open = Promise.withResolvers();
  }

  /** All that was asked meanwhile arrives. */
  resume(): void {
    this.open.resolve(undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(near: Socket, far: Socket): void {
    let last = Promise.resolve();
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      const dueMs = performance.now() + this.delayMs;
      last = last.then(async () => {
        const leftMs = dueMs - performance.now();
        if (leftMs > 0) await after(leftMs);
        await this.open.promise;
        far.write(chunk);
      });
    });
    far.pipe(near);
  }
}
