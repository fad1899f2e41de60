import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { freePort } from '../../sandbox/free.port.js';
import type { IdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { startIdentityProvider } from '../../sandbox/identity/identity.provider.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { NewSession, SessionDetails } from '../../src/contract/session.schema.js';
import type { Clusters } from '../../src/app/ports/cluster.js';
import type { Broker } from '../../src/broker.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { freshDatabase } from '../support/postgres.js';
import type { WorldSettings } from './cluster.world.js';
import { ClusterWorld } from './cluster.world.js';

const LONG_SECONDS = 300;

/** No registry is there: the node's connection is refused, whatever its network. */
export const ABSENT_IMAGE = '127.0.0.1:1/hallpass-test/absent:1';
export const ABSENT_SHELL = '/no/such/shell';

/** A broker that serves, on a PostgreSQL and with an identity provider of its own, as its account in a cluster. */
export class MainJobLab implements AsyncDisposable {
  private constructor(
    readonly world: ClusterWorld,
    private readonly parts: {
      readonly broker: Broker;
      readonly caPem: string;
      readonly identity: IdentityProvider;
      readonly asked: readonly string[];
      readonly opened: AsyncDisposableStack;
    },
  ) {}

  /** @param more of the configuration. */
  static async start(
    settings: WorldSettings,
    more: Pick<Surroundings, 'impersonate' | 'clusterAudit'> = {},
  ): Promise<MainJobLab> {
    await using opened = new AsyncDisposableStack();
    const world = opened.use(await ClusterWorld.start(settings));
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-main-job-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const database = await freshDatabase();
    opened.defer(() => database.drop());
    const identity = await startIdentityProvider();
    opened.defer(() => identity.close());

    const certificate = await makeServerCertificate('hallpass');
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const tls = {
      caFile: await file('ca.crt', certificate.caPem),
      certFile: await file('tls.crt', certificate.certPem),
      keyFile: await file('tls.key', certificate.keyPem),
    };
    const { startDeadlineSeconds, startGraceSeconds } = settings.pace;
    const { config } = await writeBrokerConfig({
      folder,
      databaseUrl: database.serviceUrl,
      identity,
      kubeconfig: world.kubeconfig,
      namespaces: [world.namespace],
      policies: await writePolicies(join(folder, 'policies'), world),
      sessions: { startDeadlineSeconds, startGraceSeconds, checkSeconds: 1, leaseSeconds: 5 },
      log: { level: 'error' },
      // kubectl shows its token to nobody else.
      server: { port: await freePort(0), tls },
      ...more,
    });
    const asked: string[] = [];
    const broker = await startBroker(config, {
      around: { clusters: (inner) => overheard(inner, asked) },
    });
    if (isStartRefusal(broker)) throw new Error(broker.refused);
    opened.defer(() => broker.stop());
    return new MainJobLab(world, {
      ...{ broker, identity, asked, caPem: certificate.caPem },
      opened: opened.move(),
    });
  }

  /** The API as somebody uses it who has just signed in. */
  async as(person: PersonKey): Promise<ApiClient> {
    const { broker, identity, caPem } = this.parts;
    return new ApiClient(broker.url, await identity.tokenFor(PEOPLE[person]), caPem);
  }

  /** Asks for a long session on what `target` names, with the profile `shell` unless another is given. */
  ask(
    engineer: ApiClient,
    target: NewSession['target'],
    more: Partial<NewSession> = {},
  ): Promise<SessionDetails> {
    return engineer.ask({
      namespace: this.world.namespace,
      target,
      profile: 'shell',
      reason: 'orders are stuck',
      durationSeconds: LONG_SECONDS,
      ...more,
    });
  }

  /** The session once it is in that state; as patient as the cluster needs. */
  until(
    by: ApiClient,
    { id }: Pick<SessionDetails, 'id'>,
    state: 'active' | 'ended',
  ): Promise<SessionDetails> {
    return by.until(id, [state], this.world.settings.pace.patienceMs);
  }

  /** A session whose container runs, in a Pod of its own. */
  async active({ kind = 'app', ...more }: Partial<NewSession> & { kind?: 'app' | 'shell' } = {}) {
    const pod = await this.world.pod(kind);
    const robin = await this.as('requester');
    const asked = await this.ask(robin, { pod: pod.name }, more);
    const session = await this.until(robin, asked, 'active');
    return { pod, robin, session, container: session.container?.name ?? '' };
  }

  /** What the broker has asked of the cluster that speaks of this. */
  askedAbout(text: string): readonly string[] {
    return this.parts.asked.filter((it) => it.includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.opened.disposeAsync();
  }
}

/** The same door, with a list of what goes through it. */
function overheard(inner: Clusters, asked: string[]): Clusters {
  return new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        asked.push(`${String(name)} ${JSON.stringify(args)}`);
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** `shell` and the profiles that cannot start are granted at once, `guarded` on consent, `forbidden` never. */
async function writePolicies(folder: string, world: ClusterWorld): Promise<string> {
  const { debug } = world.settings.images;
  const profile = (name: string, spec: object = {}) => ({
    apiVersion: 'hallpass/v1',
    kind: 'DebugProfile',
    metadata: { name },
    spec: {
      image: debug,
      allowTag: true,
      imagePullPolicy: 'IfNotPresent',
      debugProfile: 'baseline',
      ...spec,
    },
  });
  const policy = (name: string, profiles: readonly string[], spec: object) => ({
    apiVersion: 'hallpass/v1',
    kind: 'AccessPolicy',
    metadata: { name },
    spec: {
      match: { groups: PEOPLE.requester.groups, namespaces: [world.namespace], profiles },
      ...spec,
    },
  });
  const documents = [
    profile('shell'),
    profile('guarded'),
    profile('forbidden'),
    profile('absent-image', { image: ABSENT_IMAGE }),
    profile('absent-shell', { shell: ABSENT_SHELL }),
    policy('at-once', ['shell', 'absent-image', 'absent-shell'], {
      effect: 'allow',
      terms: { longest: '10m', portForward: true },
    }),
    policy('on-consent', ['guarded'], {
      effect: 'allow',
      terms: { longest: '10m', approvals: { require: [{ groups: PEOPLE.approver.groups }] } },
    }),
    policy('never', ['forbidden'], { effect: 'deny' }),
  ];
  await mkdir(folder);
  const text = documents.map((document) => stringify(document)).join('---\n');
  await writeFile(join(folder, 'main-job.yaml'), text);
  return folder;
}
