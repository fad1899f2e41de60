import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { z } from 'zod';
import { ApiClient } from '../sandbox/broker/api.client.js';
import { writeBrokerConfig } from '../sandbox/broker/broker.config.js';
import { startDatabase } from '../sandbox/database/embedded.database.js';
import { PROJECT_ROOT } from '../sandbox/project.root.js';
import { BrokeredExec } from './brokered.exec.js';
import { DirectExec } from './direct.exec.js';
import { ForkedProgram } from './forked.program.js';
import type { OpenProcess, Wanted } from './open.process.js';
import { migratedDatabase, NAMESPACE } from './sessions.stage.js';
import type { BrokerAsked, ClusterSaid, Usage as Used } from './terminal.programs.js';
import { BrokerSaid, ClusterSaid as Said, Time, Usage } from './terminal.programs.js';

const ACTIVE_MS = 60_000;
const QUIET_LOOK_MS = 200;
const QUIET_CPU_MS = 10;

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
    private readonly configPath: string,
    private readonly quietLooks: number,
  ) {}

  private broker: ForkedProgram | undefined;
  private clients: readonly ApiClient[] = [];

  /** @param quietLooks at so many looks in turn the broker does nearly nothing before it counts as quiet. */
  static async start(
    say: (what: string) => void,
    { pods, quietLooks }: { readonly pods: number; readonly quietLooks: number },
  ): Promise<TerminalStage> {
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
    const { path } = await writeBrokerConfig({
      ...cluster.said.surroundings,
      folder: join(folder, 'broker'),
      policies: join(PROJECT_ROOT, 'bench', 'policies'),
      server: { tls: cluster.said.tls },
    });
    const stage = new TerminalStage(opened.move(), cluster.said, path, quietLooks);
    stage.opened.defer(() => stage.broker?.[Symbol.asyncDispose]());
    try {
      await stage.anew(say);
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ends the broker, where there is one, and starts another one. */
  async anew(say: (what: string) => void): Promise<void> {
    say('starting broker');
    await this.broker?.[Symbol.asyncDispose]();
    const { program, said } = await ForkedProgram.start('terminal.broker', {
      orders: { configPath: this.configPath },
      says: BrokerSaid,
    });
    this.broker = program;
    const { accessTokens, tls } = this.cluster;
    // The API as each of the people of the sandbox uses it.
    this.clients = accessTokens.map((token) => new ApiClient(said.url, token, tls.caPem));
  }

  /** A process that is not recorded. @throws Error where it is after all. */
  async unrecorded(session: RunningSession, wanted: Wanted): Promise<OpenProcess> {
    const { forgotten } = await this.told('forget', Time);
    const exec = await this.brokered(session, wanted);
    const told = await this.told('record', Time);
    if (told.forgotten !== forgotten + 1) throw new Error('it was recorded after all');
    return exec;
  }

  /** Resolves when the broker has nothing left to do of what was before: recordings are read again once they end. */
  async quiet(): Promise<void> {
    for (let calm = 0; calm < this.quietLooks;) {
      const fromMs = await this.cpuMs();
      await after(QUIET_LOOK_MS);
      calm = (await this.cpuMs()) - fromMs < QUIET_CPU_MS ? calm + 1 : 0;
    }
  }

  /** What the broker takes, when its garbage is collected. */
  async usage(): Promise<Used> {
    return this.told('usage', Usage);
  }

  /** How much processor time it has taken since it began. */
  async cpuMs(): Promise<number> {
    return (await this.told('time', Time)).cpuMs;
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

  private told<T>(question: z.infer<typeof BrokerAsked>, answers: z.ZodType<T>): Promise<T> {
    if (!this.broker) throw new Error('there is no broker');
    return this.broker.ask(question, answers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.opened.disposeAsync();
  }
}
