import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { z } from 'zod';
import type { TlsFiles } from '../broker/broker.config.js';
import { kubeconfigYaml } from './kubeconfig.js';
import type { StandInCluster } from './stand-in.cluster.js';

/** What is needed of a sandbox for a way to its cluster. */
interface Around {
  readonly folder: string;
  readonly cluster: StandInCluster;
  readonly tls: TlsFiles & { readonly caPem: string };
}

/** A way to a cluster, for calls and no streams, on which the API server's clock seems to be elsewhere. */
export class SkewedWay implements AsyncDisposable {
  private readonly agent: Agent;
  private readonly server: Server;

  private constructor(
    private readonly sandbox: Around,
    private readonly aheadMs: number,
    certificate: { readonly cert: string; readonly key: string },
  ) {
    this.agent = new Agent({ connect: { ca: sandbox.cluster.caPem } });
    this.server = createServer(certificate, (request, response) => {
      this.pass(request, response).catch(() => response.destroy());
    });
  }

  static async open(sandbox: Around, aheadMs: number): Promise<SkewedWay> {
    const { certFile, keyFile } = sandbox.tls;
    const way = new SkewedWay(sandbox, aheadMs, {
      cert: await readFile(certFile, 'utf8'),
      key: await readFile(keyFile, 'utf8'),
    });
    await new Promise<void>((resolve) => way.server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  /** A kubeconfig file that leads here; the administrator's where no token is given. */
  async kubeconfig(token = this.sandbox.cluster.tokens.admin): Promise<string> {
    const { folder, tls } = this.sandbox;
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    const url = `https://127.0.0.1:${address.port}`;
    const path = join(folder, 'skewed.kubeconfig');
    await writeFile(path, kubeconfigYaml({ url, caPem: tls.caPem, user: 'somebody', token }));
    return path;
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(z.instanceof(Buffer).parse(chunk));
    const { authorization = '', accept = '', 'content-type': type = '' } = request.headers;
    const answered = await fetch(`${this.sandbox.cluster.url}${request.url ?? ''}`, {
      method: request.method ?? 'GET',
      headers: { authorization, accept, ...(type === '' ? {} : { 'content-type': type }) },
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      dispatcher: this.agent,
    });
    response.writeHead(answered.status, {
      'content-type': answered.headers.get('content-type') ?? '',
      date: new Date(Date.now() + this.aheadMs).toUTCString(),
    });
    response.end(await answered.text());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.agent.destroy();
  }
}
