import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, fetch } from 'undici';
import { kubeconfigYaml } from '../../sandbox/cluster/kubeconfig.js';
import { newMeta } from '../../sandbox/cluster/object.operations.js';
import type { PolicyRule, Subject } from '../../sandbox/cluster/rbac.schema.js';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { DoctorArgs } from '../../src/adapters/cli/doctor.command.js';
import { examineAll } from '../../src/doctor.js';
import type { CheckName, Finding } from '../../src/domain/doctor/finding.js';
import { readSubject } from '../../src/domain/doctor/rbac.rules.js';
import type { RbacSubject } from '../../src/domain/doctor/rbac.rules.js';

const RBAC = 'rbac.authorization.k8s.io/v1';

/** The doctor, asked as the command asks it. */
export async function doctor(args: Partial<DoctorArgs>): Promise<Findings> {
  const findings = await examineAll({
    ...{ config: undefined, kubeconfig: undefined, context: undefined },
    ...{ namespaces: [], subjects: [], except: [], impersonate: undefined },
    account: subject('serviceaccount:hallpass/hallpass'),
    ...args,
  });
  return new Findings(findings);
}

export function subject(text: string): RbacSubject {
  const found = readSubject(text);
  if (!found) throw new Error(`${text} names nobody`);
  return found;
}

/** What it found, to be asked for by name. */
export class Findings {
  constructor(readonly all: readonly Finding[]) {}

  /** The rows of a check. */
  of(check: CheckName): readonly Finding[] {
    return this.all.filter((it) => it.check === check);
  }

  /** The one row of a check about something. */
  row(check: CheckName, on: string): Finding {
    const rows = this.all.filter((it) => it.check === check && it.on.includes(on));
    const [row] = rows;
    if (!row || rows.length > 1) throw new Error(`${rows.length} rows of ${check} about ${on}`);
    return row;
  }
}

/** Gives somebody rights in the whole cluster, as its administrator would. */
export function allow(
  cluster: StandInCluster,
  { name, rules, to }: { name: string; rules: PolicyRule[]; to: Subject[] },
): void {
  const { store, now } = cluster.parts;
  const metadata = newMeta({ name }, undefined, now());
  store.put('clusterroles', { kind: 'ClusterRole', apiVersion: RBAC, metadata, rules });
  store.put('clusterrolebindings', {
    kind: 'ClusterRoleBinding',
    apiVersion: RBAC,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: to,
  });
}

/** A way to a cluster on which the API server's clock seems to be elsewhere. */
export class SkewedWay implements AsyncDisposable {
  private readonly agent: Agent;
  private readonly server: Server;

  private constructor(
    private readonly sandbox: Sandbox,
    private readonly aheadMs: number,
    certificate: { readonly cert: string; readonly key: string },
  ) {
    this.agent = new Agent({ connect: { ca: sandbox.cluster.caPem } });
    this.server = createServer(certificate, (request, response) => {
      this.pass(request, response).catch(() => response.destroy());
    });
  }

  static async open(sandbox: Sandbox, aheadMs: number): Promise<SkewedWay> {
    const { certFile, keyFile } = sandbox.tls;
    const way = new SkewedWay(sandbox, aheadMs, {
      cert: await readFile(certFile, 'utf8'),
      key: await readFile(keyFile, 'utf8'),
    });
    await new Promise<void>((resolve) => way.server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  /** A kubeconfig file of the administrator that leads here. */
  async kubeconfig(): Promise<string> {
    const { folder, cluster, tls } = this.sandbox;
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    const url = `https://127.0.0.1:${address.port}`;
    const path = join(folder, 'skewed.kubeconfig');
    await writeFile(
      path,
      kubeconfigYaml({ url, caPem: tls.caPem, user: 'admin', token: cluster.tokens.admin }),
    );
    return path;
  }

  private async pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
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
