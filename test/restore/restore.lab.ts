import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { z } from 'zod';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings, WrittenConfig } from '../../sandbox/broker/broker.config.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import type { EmbeddedDatabase } from '../../sandbox/database/embedded.database.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { migratedDatabase, startSandbox } from '../../sandbox/sandbox.js';
import { RecordingList } from '../../src/contract/recording.schema.js';
import type { SessionDetails } from '../../src/contract/session.schema.js';
import { TicketView } from '../../src/contract/terminal.schema.js';
import type { Broker } from '../../src/broker.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { BackedUpDatabase } from '../support/backed-up.database.js';
import type { RestoredTo } from '../support/backed-up.database.js';
import { QUICK_SESSIONS } from '../support/broker.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import { TerminalClient } from '../support/terminal.client.js';

const WAIT = { timeout: 20_000, interval: 50 };
/** An anchor that a replica was about to put into when it was lost, or backed up, is another's to put into a minute later. */
const ANCHORED = { ...WAIT, timeout: 60_000 + WAIT.timeout };

/** A broker that runs, and its configuration. */
export interface Running extends WrittenConfig {
  readonly broker: Broker;
}

export interface Restored {
  readonly server: EmbeddedDatabase;
  readonly databaseUrl: string;
}

/** A cluster that goes on while the database of its broker is lost, and is restored from a backup in several ways. */
export class RestoreLab implements AsyncDisposable {
  private configs = 0;

  private constructor(
    readonly folder: string,
    readonly database: BackedUpDatabase,
    readonly sandbox: Sandbox,
    private readonly opened: AsyncDisposableStack,
  ) {}

  static async start(): Promise<RestoreLab> {
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-restore-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const database = await BackedUpDatabase.start(folder);
    opened.defer(() => database.server.stop());
    const { serviceUrl } = await migratedDatabase(database.server.adminUrl);
    const sandbox = await startSandbox({ databaseUrl: serviceUrl });
    opened.defer(() => sandbox.close());
    return new RestoreLab(folder, database, sandbox, opened.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.opened.disposeAsync();
  }

  /** One more server, and its database as the service sees it. */
  async restored(to: RestoredTo): Promise<Restored> {
    const server = await this.database.restore(to);
    this.opened.defer(() => server.stop());
    return { server, databaseUrl: server.url('hallpass', 'hallpass') };
  }

  config(over: Partial<Surroundings>): Promise<WrittenConfig> {
    return writeBrokerConfig({
      ...this.sandbox.surroundings,
      sessions: QUICK_SESSIONS,
      log: { level: 'fatal' },
      ...over,
      folder: join(this.folder, `broker-${this.configs++}`),
    });
  }

  /** One that ends with the lab where nobody stopped it before. */
  async broker(over: Partial<Surroundings>): Promise<Running> {
    const written = await this.config(over);
    const broker = await startBroker(written.config);
    if (isStartRefusal(broker)) throw new Error(broker.refused);
    this.opened.defer(() => broker.stop());
    return { ...written, broker };
  }

  async as(person: PersonKey, { broker }: Running): Promise<ApiClient> {
    return new ApiClient(broker.url, await this.sandbox.identity.tokenFor(PEOPLE[person]));
  }

  /** A session on a Pod of its own, as it is asked for. */
  async ask(
    robin: ApiClient,
    durationSeconds: number,
    namespace: 'staging' | 'payments' = 'staging',
  ): Promise<SessionDetails> {
    const pod = uniqueName('web');
    const { cluster } = this.sandbox;
    cluster.addPod({ namespace, name: pod });
    await cluster.untilPod(namespace, pod, (it) => it?.status.phase === 'Running');
    return robin.ask({
      namespace,
      target: { pod },
      profile: 'shell',
      reason: 'a rehearsal',
      durationSeconds,
    });
  }

  /** The debug containers in the cluster, by name, and when each ended. */
  containers(): ReadonlyMap<string, { readonly finishedAt: string | undefined }> {
    const { cluster } = this.sandbox;
    const pods = ['staging', 'payments'].flatMap((namespace) => cluster.pods(namespace));
    const statuses = pods.flatMap(({ status }) => status.ephemeralContainerStatuses ?? []);
    return new Map(
      statuses.map(({ name, state }) => [name, { finishedAt: state.terminated?.finishedAt }]),
    );
  }

  async untilEnded(container: string): Promise<void> {
    const hasEnded = () => this.containers().get(container)?.finishedAt !== undefined;
    await vi.waitUntil(hasEnded, WAIT);
  }

  /** Types something in the session's terminal, on the record, and leaves. */
  async record(robin: ApiClient, id: string): Promise<void> {
    const asked = await robin.call('POST', `/v1/sessions/${id}/tickets`, {
      body: { kind: 'terminal' },
    });
    const { ticket } = TicketView.parse(asked.body);
    const terminal = TerminalClient.connect(Number(new URL(robin.url).port), { id, ticket });
    await terminal.said('open');
    terminal.type('echo on-the-record\nexit\n');
    await terminal.said('end');
    const isStored = async () => {
      const { body } = await robin.call('GET', `/v1/sessions/${id}/recordings`);
      return RecordingList.parse(body).items[0]?.state === 'ended';
    };
    await vi.waitUntil(isStored, WAIT);
  }

  /** Waits until the anchor has all events that there are. @returns how many. */
  async untilAnchored(file: string, running: Running): Promise<number> {
    const { config } = running;
    const { origin } = config.audit;
    const url = config.database.url.reveal();
    const counted = async () => {
      const { rows } = await asAdmin(url, (client) =>
        client.query<{ n: number }>('SELECT count(*)::int AS n FROM audit_events'),
      );
      return rows[0]?.n;
    };
    const isThere = async () => {
      const newest = (await anchored(file)).findLast((it) => it.origin === origin);
      return newest !== undefined && newest.size === (await counted());
    };
    await vi.waitUntil(isThere, ANCHORED).catch(async (cause: unknown) => {
      const sizes = (await anchored(file)).map(({ size }) => size);
      const { audit } = await readiness(running);
      throw new Error(`${await counted()} events, anchored ${sizes.join(', ')}; ${audit}`, {
        cause,
      });
    });
    return (await counted()) ?? 0;
  }

  /** A copy of an anchor's file: each restore is the only one as far as its anchor knows. */
  async copied(file: string): Promise<string> {
    const copy = join(await this.newFolder(), 'checkpoints.jsonl');
    await copyFile(file, copy);
    return copy;
  }

  newFolder(): Promise<string> {
    return mkdtemp(join(this.folder, 'more-'));
  }

  /** Loses what recordings hold, as a bucket that was not kept. @returns their ids. */
  async withoutBodies(superuserUrl: string): Promise<{ readonly recordings: readonly string[] }> {
    return asAdmin(superuserUrl, async (client) => {
      await client.query('ALTER TABLE recording_bodies DISABLE TRIGGER ALL');
      const { rows } = await client.query<{ id: string }>(
        'DELETE FROM recording_bodies RETURNING recording_id AS id',
      );
      return { recordings: rows.map(({ id }) => id) };
    });
  }

  /** The log, as the auditor takes it out and verifies it with the command. */
  async takenOut(running: Running, expectedCode = 0) {
    const home = await HallpassHome.make();
    this.opened.use(home);
    const { bearer } = await this.as('auditor', running);
    const env = { HALLPASS_SERVER: running.broker.url, HALLPASS_TOKEN: bearer };
    const log = join(home.folder, 'log');
    const taken = await home.run(['audit', 'export', log, '--recordings'], undefined, env);
    if (taken.code !== expectedCode) throw new Error(taken.stderr);
    return {
      verify: async (key: string, note?: string) => {
        const older = join(home.folder, 'anchored');
        if (note !== undefined) await writeFile(older, note);
        const { code, stdout } = await home.run([
          ...['audit', 'verify', log, '--key', key],
          ...(note === undefined ? [] : ['--older', older]),
        ]);
        return { code, out: stdout.toString() };
      },
    };
  }
}

/** What a `file` anchor holds, the newest last, as `jq` shows it. */
export async function anchored(file: string): Promise<readonly z.output<typeof Line>[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => Line.parse(JSON.parse(line)));
}

const Line = z.object({ origin: z.string(), size: z.number(), note: z.string() });

export async function readiness({
  broker,
}: Running): Promise<{ readonly status: number; readonly audit: string }> {
  const response = await fetch(`${broker.managementUrl}/readyz`);
  const { checks } = (await response.json()) as { checks: Record<string, unknown> };
  return { status: response.status, audit: String(checks['audit']) };
}
