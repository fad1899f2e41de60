import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import type { Broker } from '../../src/broker.js';
import {
  CHANNELS,
  PROTOCOLS,
  TICKET_PREFIX,
  TicketView,
} from '../../src/contract/terminal.schema.js';
import { ApiClient } from '../broker/api.client.js';
import { fileAnchor, writeBrokerConfig } from '../broker/broker.config.js';
import type { PersonKey } from '../identity/people.js';
import { PEOPLE } from '../identity/people.js';
import type { Sandbox } from '../sandbox.js';
import { startSandbox } from '../sandbox.js';

const REPLICAS = 2;
const SHELL_LINES = ['uname -a', 'ls -l /', 'head -c 20000 /dev/zero | tr "\\0" x', 'ps'];
const EVERY_MS = 4_000;

/** A sandbox with two replicas, an anchor, a sink and a channel, in which people work. */
export class BusyReplicas implements AsyncDisposable {
  private constructor(
    private readonly sandbox: Sandbox,
    readonly brokers: readonly Broker[],
    private readonly opened: AsyncDisposableStack,
  ) {}

  static async start(): Promise<BusyReplicas> {
    await using opened = new AsyncDisposableStack();
    const sandbox = await startSandbox();
    opened.defer(() => sandbox.close());
    const taker = createServer((asked, response) => {
      asked.resume();
      response.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    await once(taker, 'listening');
    opened.defer(() => {
      taker.closeAllConnections();
      taker.close();
    });
    const told = await surroundings(sandbox, (taker.address() as AddressInfo).port);
    const brokers: Broker[] = [];
    for (let n = 0; n < REPLICAS; n++) {
      const folder = join(sandbox.folder, `replica-${n}`);
      const { config } = await writeBrokerConfig({ ...sandbox.surroundings, ...told, folder });
      const broker = await startBroker(config);
      if (isStartRefusal(broker)) throw new Error(broker.refused);
      opened.defer(() => broker.stop());
      brokers.push(broker);
    }
    return new BusyReplicas(sandbox, brokers, opened.move());
  }

  /** People ask, consent, refuse, work and end, until the signal aborts. */
  async work(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      await this.round(round, signal);
      await pause(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async round(round: number, signal: AbortSignal): Promise<void> {
    const [here, there] = [round, round + 1].map((n) => this.brokers[n % this.brokers.length]);
    if (!here || !there) throw new Error('no replicas');
    const robin = await this.as('requester', here);
    const isAsked = round % 2 === 0;
    const asked = await robin.ask({
      namespace: isAsked ? 'payments' : 'staging',
      target: { workload: { kind: 'Deployment', name: isAsked ? 'checkout' : 'cart' } },
      profile: 'shell',
      reason: 'orders are stuck',
      durationSeconds: 120,
    });
    if (asked.state === 'pending') {
      await pause(500 + (round % 5) * 900, undefined, { signal }).catch(() => undefined);
      const alex = await this.as('approver', there);
      const verdict = round % 6 === 4 ? 'deny' : 'approve';
      await alex.decide(await alex.session(asked.id), verdict);
      if (verdict === 'deny') return;
    }
    await typeInto(robin, asked.id);
    await robin.act(asked.id, 'end');
    await (await this.as('auditor', there)).audit(asked.id);
  }

  private async as(person: PersonKey, broker: Broker): Promise<ApiClient> {
    return new ApiClient(broker.url, await this.sandbox.identity.tokenFor(PEOPLE[person]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.disposeAsync();
  }
}

async function surroundings({ folder }: Sandbox, port: number) {
  const secretFile = join(folder, 'dashboard-webhook');
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const logFile = join(folder, 'api-server-audit.log');
  await writeFile(logFile, '');
  const url = `http://127.0.0.1:${port}`;
  return {
    anchors: [fileAnchor(folder)],
    sinks: [{ name: 'siem', kind: 'webhook', url, secretFile, everySeconds: 1 }],
    notifications: {
      channels: [{ name: 'tickets', kind: 'webhook', url, secretFile, allowPrivate: true }],
      subscriptions: [{ channel: 'tickets', events: ['request.waiting', 'session.ended'] }],
    },
    clusterAudit: { account: 'system:serviceaccount:hallpass:hallpass', logFile },
    log: { level: 'fatal' as const },
  };
}

/** Opens a terminal, types a few lines and leaves. */
async function typeInto(robin: ApiClient, id: string): Promise<void> {
  const body = { kind: 'terminal' };
  const { body: told } = await robin.call('POST', `/v1/sessions/${id}/tickets`, { body });
  const { ticket } = TicketView.parse(told);
  const address = `${robin.url.replace(/^http/, 'ws')}/v1/sessions/${id}/terminal`;
  const socket = new WebSocket(address, [PROTOCOLS.terminal, `${TICKET_PREFIX}${ticket}`]);
  const shown = once(socket, 'message');
  await Promise.all([once(socket, 'open'), shown]);
  for (const line of SHELL_LINES) {
    socket.send(Buffer.concat([Buffer.of(CHANNELS.stdin), Buffer.from(`${line}\n`)]));
    await pause(700);
  }
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}
