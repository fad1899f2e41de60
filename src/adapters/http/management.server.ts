import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** It can serve, and there is something that an operator should know. */
export interface ReadyWithNote {
  readonly ok: true;
  readonly note: string;
}

/** Something that must work for this replica to serve. Gives `true`, or what is wrong in a few words. */
export interface ReadinessCheck {
  readonly name: string;
  check(): Promise<true | ReadyWithNote | string>;
}

/** What is measured, for whoever collects it. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

const CHECK_MILLISECONDS_MAX = 3_000;
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

/**
 * Health, on a port of its own that is not for the world: `/healthz` says that the process runs, `/readyz` whether it
 * can serve. Bodies are JSON; the status is 200 or 503. `/metrics` is for Prometheus.
 */
export class ManagementServer {
  private readonly server: Server;
  private draining = false;

  constructor(
    private readonly checks: readonly ReadinessCheck[],
    private readonly metrics?: Metrics,
  ) {
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
    if (path === '/metrics' && this.metrics) return this.measured(this.metrics, response);
    if (path !== '/readyz') return send(response, 404, { status: 'not found' });
    const results = await Promise.all(this.checks.map(outcome));
    const ready = !this.draining && results.every(([, { ok }]) => ok);
    send(response, ready ? 200 : 503, {
      status: this.draining ? 'draining' : ready ? 'ready' : 'not ready',
      checks: Object.fromEntries(results.map(([name, { says }]) => [name, says])),
    });
  }

  private async measured(metrics: Metrics, response: ServerResponse): Promise<void> {
    try {
      const text = await metrics.text();
      response.writeHead(200, { ...HEADERS, 'content-type': metrics.contentType });
      response.end(text);
    } catch {
      send(response, 500, { status: 'failed' });
    }
  }
}

/** A check's result within its time. What it throws may hold secrets, so only that it failed is told. */
async function outcome(
  readiness: ReadinessCheck,
): Promise<[string, { readonly ok: boolean; readonly says: string }]> {
  const { name } = readiness;
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('does not answer'), CHECK_MILLISECONDS_MAX);
  try {
    const result = await Promise.race([readiness.check(), late]);
    if (result === true) return [name, { ok: true, says: 'ok' }];
    if (typeof result === 'string') return [name, { ok: false, says: result }];
    return [name, { ok: true, says: `ok, but ${result.note}` }];
  } catch {
    return [name, { ok: false, says: 'failed' }];
  } finally {
    clearTimeout(timer);
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
