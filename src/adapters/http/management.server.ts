import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Something that must work for this replica to serve. Gives `true`, or what is wrong in a few words. */
export interface ReadinessCheck {
  readonly name: string;
  check(): Promise<true | string>;
}

const CHECK_MILLISECONDS_MAX = 3_000;

/**
 * Health, on a port of its own that is not for the world: `/healthz` says that the process runs, `/readyz` whether it
 * can serve. Bodies are JSON; the status is 200 or 503.
 */
export class ManagementServer {
  private readonly server: Server;
  private draining = false;

  constructor(private readonly checks: readonly ReadinessCheck[]) {
    this.server = createServer(
      { requestTimeout: 5_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
      (request, response) => void this.answer(request, response),
    );
  }

  /** Listens; port 0 takes any free one. Gives the port. */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.removeListener('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on not ready: whoever sends requests here is to send them elsewhere. */
  drain(): void {
    this.draining = true;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, 405, { status: 'use GET' });
    if (path === '/healthz') return send(response, 200, { status: 'ok' });
    if (path !== '/readyz') return send(response, 404, { status: 'not found' });
    const results = await Promise.all(this.checks.map(outcome));
    const ready = !this.draining && results.every(([, result]) => result === 'ok');
    send(response, ready ? 200 : 503, {
      status: this.draining ? 'draining' : ready ? 'ready' : 'not ready',
      checks: Object.fromEntries(results),
    });
  }
}

/** A check's result within its time. What it throws may hold secrets, so only that it failed is told. */
async function outcome(readiness: ReadinessCheck): Promise<[string, string]> {
  const { name } = readiness;
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('does not answer'), CHECK_MILLISECONDS_MAX);
  try {
    const result = await Promise.race([readiness.check(), late]);
    return [name, result === true ? 'ok' : result];
  } catch {
    return [name, 'failed'];
  } finally {
    clearTimeout(timer);
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(body));
}
