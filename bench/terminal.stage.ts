import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from '../sandbox/broker/api.client.js';
import { writeBrokerConfig } from '../sandbox/broker/broker.config.js';
import { startDatabase } from '../sandbox/database/embedded.database.js';
import { PROJECT_ROOT } from '../sandbox/project.root.js';
import { BrokeredExec } from './brokered.exec.js';
import { DirectExec } from './direct.exec.js';
import { ForkedProgram } from './forked.program.js';
import type { OpenProcess, Wanted } from './open.process.js';
import { migratedDatabase, NAMESPACE } from './sessions.stage.js';
import type { Usage as Used } from './terminal.programs.js';
import type { ClusterSaid } from './terminal.programs.js';
import { BrokerSaid, ClusterSaid as Said, Time, Usage } from './terminal.programs.js';

const ACTIVE_MS = 60_000;

/** A session whose container runs. */
export interface RunningSession {
  readonly id: string;
  readonly pod: string;
  readonly client: ApiClient;
}

/** Client, broker, cluster and database, each a process of its own, so that none shares a core's turn with another. */
export class TerminalStage implements AsyncDisposable {
  private constructor(
    private readonly opened: AsyncDisposableStack,
    readonly cluster: ClusterSaid,
    private readonly broker: ForkedProgram,
    /** The API as each of the people of the sandbox uses it. */
    readonly clients: readonly ApiClient[],
  ) {}

  static async start(say: (what: string) => void, pods: number): Promise<TerminalStage> {
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-bench-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    // PostgreSQL may have to run as another user, who walks through here.
    await chmod(folder, 0o711);
    say('starting PostgreSQL');
    const server = await startDatabase({ dataDir: join(folder, 'postgresql') });
    opened.defer(() => server.stop());
    const databaseUrl = await migratedDatabase(server.adminUrl);
    say(`starting cluster, of ${pods} Pods`);
    const cluster = await ForkedProgram.start('terminal.cluster', {
      orders: { databaseUrl, pods },
      says: Said,
    });
    opened.use(cluster.program);
    say('starting broker');
    const { path } = await writeBrokerConfig({
      ...cluster.said.surroundings,
      folder: join(folder, 'broker'),
      policies: join(PROJECT_ROOT, 'bench', 'policies'),
      server: { tls: cluster.said.tls },
    });
    const broker = await ForkedProgram.start('terminal.broker', {
      orders: { configPath: path },
      says: BrokerSaid,
    });
    opened.use(broker.program);
    const clients = cluster.said.accessTokens.map(
      (token) => new ApiClient(broker.said.url, token, cluster.said.tls.caPem),
    );
    return new TerminalStage(opened.move(), cluster.said, broker.program, clients);
  }

  /** Whether what is opened from now on is recorded. */
  async records(whether: boolean): Promise<void> {
    await this.broker.ask(whether ? 'record' : 'forget', Time);
  }

  /** What the broker takes, when its garbage is collected. */
  async usage(): Promise<Used> {
    return this.broker.ask('usage', Usage);
  }

  /** How much processor time it has taken since it began. */
  async cpuMs(): Promise<number> {
    return (await this.broker.ask('time', Time)).cpuMs;
  }

  /** Asks for a session, granted at once. */
  async ask(place: number): Promise<RunningSession> {
    const client = this.clients[place % this.clients.length];
    if (!client) throw new Error('nobody asks');
    const pod = `terminal-${place}`;
    const { id } = await client.ask({
      namespace: NAMESPACE,
      target: { pod },
      profile: 'shell',
      reason: 'to see how it feels',
      durationSeconds: 3_600,
    });
    return { id, pod, client };
  }

  async running(place: number): Promise<RunningSession> {
    const session = await this.ask(place);
    await session.client.until(session.id, ['active'], ACTIVE_MS);
    return session;
  }

  /** A process in the session's container, by the cluster's admin who has no broker. */
  direct({ id, pod }: RunningSession, wanted: Wanted): Promise<OpenProcess> {
    return DirectExec.open(this.cluster, { pod, container: `hallpass-${id}`, ...wanted });
  }

  /** The same through the broker. */
  brokered(session: RunningSession, wanted?: Wanted): Promise<OpenProcess> {
    return BrokeredExec.open(session, { caPem: this.cluster.tls.caPem, wanted });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.opened.disposeAsync();
  }
}
