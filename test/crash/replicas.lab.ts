import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, vi } from 'vitest';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import type { EmbeddedDatabase } from '../../sandbox/database/embedded.database.js';
import { startDatabase } from '../../sandbox/database/embedded.database.js';
import type { PreparedDatabase } from '../../sandbox/database/hallpass.roles.js';
import { prepareDatabase } from '../../sandbox/database/hallpass.roles.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { startSandbox } from '../../sandbox/sandbox.js';
import { migrate } from '../../src/adapters/prisma/migrate.runner.js';
import { Balancer } from '../support/balancer.js';
import { QUICK_SESSIONS } from '../support/broker.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import { ALWAYS, broken, gather, IN_THE_END } from './evidence.js';
import { ReplicaProgram } from './replica.program.js';
import type { SteadyLoad } from './steady.load.js';

const NAMESPACE = 'staging';
/** A container ends itself; its node and this one are the same machine, and busy. The cluster tells whole seconds. */
const OVERRUN_MS_MAX = 2_000;

/** A database that can be restarted, a cluster, and replicas as processes behind one address. */
export class ReplicasLab implements AsyncDisposable {
  private constructor(
    readonly sandbox: Sandbox,
    readonly balancer: Balancer,
    private readonly parts: {
      readonly opened: AsyncDisposableStack;
      readonly folder: string;
      readonly database: Balancer;
      readonly prepared: PreparedDatabase;
      readonly superuser: pg.Pool;
      readonly logKey: string;
    },
    private server: EmbeddedDatabase,
  ) {}

  /** @param migrationsDir the schema to begin with. */
  static async start(migrationsDir: string): Promise<ReplicasLab> {
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-replicas-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const server = await startDatabase({ dataDir: join(folder, 'postgres') });
    const prepared = await prepareDatabase({ adminUrl: server.adminUrl, database: 'hallpass' });
    const database = opened.use(await Balancer.start());
    database.add(server.adminUrl);
    const there = behind(database, prepared);
    await mustMigrate(there, migrationsDir);
    const sandbox = await startSandbox({ databaseUrl: there.serviceUrl, cluster: { port: 0 } });
    opened.defer(() => sandbox.close());
    const connectionString = at(server.url('hallpass'), database);
    const superuser = new pg.Pool({ connectionString, max: 2 });
    superuser.on('error', () => undefined);
    opened.defer(() => superuser.end());
    const balancer = opened.use(await Balancer.start());
    const { config } = await writeBrokerConfig({
      ...sandbox.surroundings,
      folder: join(folder, 'key'),
    });
    const logKey = config.audit.signers[0]?.verifier.text ?? '';
    const parts = { folder, database, prepared: there, superuser, logKey };
    return new ReplicasLab(sandbox, balancer, { ...parts, opened: opened.move() }, server);
  }

  /** One more replica, not yet in turn. @param root the tree that it is built in; this one by default. */
  async replica(
    name: string,
    { root, server }: { root?: string; server?: Surroundings['server'] } = {},
  ): Promise<ReplicaProgram> {
    const surroundings = {
      ...this.sandbox.surroundings,
      folder: join(this.parts.folder, name),
      sessions: QUICK_SESSIONS,
      ...(server === undefined ? {} : { server }),
    };
    return this.parts.opened.use(await ReplicaProgram.start(surroundings, root));
  }

  /** Ends the database in the middle of whatever it does, and starts it again somewhere else. */
  async restartDatabase(): Promise<void> {
    const { database, folder } = this.parts;
    const before = this.server;
    await before.stop();
    this.server = await startDatabase({ dataDir: join(folder, 'postgres') });
    database.remove(before.adminUrl);
    database.add(this.server.adminUrl);
  }

  /** Brings the database to another schema, as the job before an upgrade does. */
  async migrate(migrationsDir: string): Promise<void> {
    await mustMigrate(this.parts.prepared, migrationsDir);
  }

  tokenOf(person: keyof typeof PEOPLE): Promise<string> {
    return this.sandbox.identity.tokenFor(PEOPLE[person]);
  }

  async client(): Promise<ApiClient> {
    return new ApiClient(this.balancer.url, await this.tokenOf('requester'));
  }

  /** The requester's machine. */
  async home(): Promise<HallpassHome> {
    const token = await this.tokenOf('requester');
    return HallpassHome.make({ HALLPASS_SERVER: this.balancer.url, HALLPASS_TOKEN: token });
  }

  /**
   * Every session ends, every step and every request that was acknowledged has its event, no container outlived its
   * deadline, and the log verifies.
   *
   * @returns what was seen, in a sentence.
   */
  async mustBeWhole(load: SteadyLoad, home: HallpassHome): Promise<string> {
    const pods = [...new Set(load.acknowledged.map(({ podName }) => podName))];
    await vi.waitFor(
      async () => {
        const not = await Promise.all(
          pods.map(async (it) => broken(IN_THE_END, await this.look(it))),
        );
        expect(not.flat()).toEqual([]);
      },
      { timeout: 30_000, interval: 250 },
    );
    for (const podName of pods) {
      const evidence = await this.look(podName);
      expect(broken(ALWAYS, evidence), podName).toEqual([]);
      const actions = evidence.stored.audits.map(({ action }) => action);
      const told = load.acknowledged.filter((it) => it.podName === podName);
      expect(actions).toEqual(expect.arrayContaining(told.map(({ action }) => action)));
    }
    const overrun = await this.longestOverrun();
    expect(overrun.ms).toBeLessThan(OVERRUN_MS_MAX);
    await this.mustVerify(home);
    const refused = [...load.refusals].map(([what, count]) => `${what}: ${count}`).join(', ');
    return (
      `${pods.length} sessions, ${load.acknowledged.length} requests acknowledged; longest past its deadline ` +
      `${overrun.ms} ms of ${overrun.of} containers; tried again: ${refused === '' ? 'nothing' : refused}`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.opened.disposeAsync();
    await this.server.stop();
  }

  private look(podName: string) {
    const { superuser } = this.parts;
    return gather({ superuser, cluster: this.sandbox.cluster, namespace: NAMESPACE, podName });
  }

  /** How long the container that ran longest past its session's deadline did so, by the cluster's word. */
  private async longestOverrun(): Promise<{ ms: number; of: number }> {
    const { rows } = await this.parts.superuser.query<{ pod: string; deadline: Date }>(
      `SELECT request #>> '{target,name}' AS pod, deadline_at AS deadline FROM sessions WHERE deadline_at IS NOT NULL`,
    );
    const overruns = rows.flatMap(({ pod, deadline }) => {
      const { status } = this.sandbox.cluster.pod(NAMESPACE, pod) ?? {};
      return (status?.ephemeralContainerStatuses ?? []).map(
        ({ state }) => Date.parse(state.terminated?.finishedAt ?? '') - deadline.getTime(),
      );
    });
    return { ms: Math.max(...overruns), of: overruns.length };
  }

  /** The log, taken out and verified as an auditor does, with every event that there is. */
  private async mustVerify(home: HallpassHome): Promise<void> {
    const env = { HALLPASS_TOKEN: await this.tokenOf('auditor') };
    await vi.waitFor(
      async () => {
        const { rows } = await this.parts.superuser.query('SELECT FROM audit_pending');
        expect(rows).toHaveLength(0);
      },
      { timeout: 10_000 },
    );
    const folder = join(home.folder, 'log');
    const taken = await home.run(['audit', 'export', folder], undefined, env);
    expect(taken.code, taken.stderr).toBe(0);
    const verify = ['audit', 'verify', folder, '--key', this.parts.logKey];
    const verified = await home.run(verify, undefined, env);
    expect(verified.stdout.toString()).toMatch(/events are as they were signed, and in order/);
  }
}

async function mustMigrate(where: PreparedDatabase, migrationsDir: string): Promise<void> {
  const report = await migrate({ ...where, migrationsDir, log: () => undefined });
  if (report.kind === 'refused') throw new Error(report.sentence, { cause: report.cause });
}

/** The same database by way of a balancer, which stays where it is when the database does not. */
function behind(database: Balancer, it: PreparedDatabase): PreparedDatabase {
  const { ownerUrl, serviceUrl } = it;
  return { ...it, ownerUrl: at(ownerUrl, database), serviceUrl: at(serviceUrl, database) };
}

function at(url: string, balancer: Balancer): string {
  const there = new URL(url);
  there.port = new URL(balancer.url).port;
  return there.href;
}
