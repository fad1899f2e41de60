import { join } from 'node:path';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings, WrittenConfig } from '../../sandbox/broker/broker.config.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import { freePort } from '../../sandbox/free.port.js';
import type { ClusterOptions } from '../../sandbox/cluster/stand-in.cluster.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { startSandbox } from '../../sandbox/sandbox.js';
import type { Broker, BrokerOptions } from '../../src/broker.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import type { TestDatabase } from './postgres.js';
import { freshDatabase } from './postgres.js';

/** Settings that tests of whole sessions use: nothing waits longer than it must. */
export const QUICK_SESSIONS = {
  defaultDurationSeconds: 60,
  startDeadlineSeconds: 10,
  checkSeconds: 1,
  startGraceSeconds: 1,
  handOverSeconds: 1,
  leaseSeconds: 1,
  overrunSeconds: 20,
} as const satisfies Surroundings['sessions'];

/** A sandbox on a database of its own, and as many brokers on it as a test starts. */
export class BrokerLab implements AsyncDisposable {
  private readonly brokers: Broker[] = [];
  private configs = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly sandbox: Sandbox,
  ) {}

  static async start(args: { readonly cluster?: ClusterOptions } = {}): Promise<BrokerLab> {
    const database = await freshDatabase();
    const sandbox = await startSandbox({ databaseUrl: database.serviceUrl, ...args });
    return new BrokerLab(database, sandbox);
  }

  /** The configuration of one more broker, with these surroundings in the place of the usual ones. */
  config(surroundings: Partial<Surroundings> = {}): Promise<WrittenConfig> {
    const usual = this.sandbox.surroundings;
    return writeBrokerConfig({
      ...usual,
      ...surroundings,
      sessions: { ...QUICK_SESSIONS, ...surroundings.sessions },
      // Faults are provoked here: what a broker says of them would bury what tests say.
      log: { level: 'fatal', ...surroundings.log },
      folder: join(usual.folder, `broker-${this.configs++}`),
    });
  }

  /** One more replica; stopped with the lab where the test did not stop it. */
  async broker(
    args: BrokerOptions & { readonly surroundings?: Partial<Surroundings> } = {},
  ): Promise<Broker> {
    const { surroundings, ...options } = args;
    const { config } = await this.config(surroundings);
    const broker = await startBroker(config, options);
    if (isStartRefusal(broker)) throw new Error(broker.refused);
    this.brokers.push(broker);
    return broker;
  }

  /** One more replica that serves HTTPS, on a port that is known before: what kubectl needs. */
  async brokerWithTls(args: Parameters<BrokerLab['broker']>[0] = {}): Promise<Broker> {
    const server = { port: await freePort(0), tls: this.sandbox.tls };
    return this.broker({ ...args, surroundings: { ...args.surroundings, server } });
  }

  /** The API of a broker as somebody uses it who has just signed in. */
  async as(person: PersonKey, broker: Pick<Broker, 'url'>): Promise<ApiClient> {
    return new ApiClient(
      broker.url,
      await this.sandbox.identity.tokenFor(PEOPLE[person]),
      this.sandbox.tls.caPem,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()));
    await this.sandbox.close();
    await this.database.drop();
  }
}
