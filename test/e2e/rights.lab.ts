import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import { imageId } from '../../sandbox/cluster/images.js';
import type { KubectlVersion } from '../../sandbox/cluster/kubectl.runner.js';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { thisMachine } from '../../sandbox/runtime/shells.js';
import type { NewSession, SessionDetails } from '../../src/contract/session.schema.js';
import { BrokerLab, QUICK_SESSIONS } from '../support/broker.lab.js';
import type { Right } from './broker.rights.js';
import { createManifest, readManifests, rightsOf } from './broker.rights.js';
import { ClusterAdmin } from './cluster.admin.js';
import { selecting } from './pod.shapes.js';

/** The sandbox's image of busybox, by its digest. */
export const IMAGE = `hallpass.sandbox/busybox@${imageId('hallpass.sandbox/busybox:1')}`;
const BUSYBOX = 'docker.io/library/busybox:1';
export const NAMESPACE = 'shop';

type Workload = Extract<NewSession['target'], { workload: object }>['workload'];

/** What the profiles are for, each with terms of its own. */
const TERMS = {
  plain: { portForward: true, extension: { times: 1, longest: '10m' } },
  evicted: { onOverrun: 'evict' },
} as const;

/** A broker whose account has exactly the rights that some files of deploy/ give, and all that is done with it. */
export class RightsLab implements AsyncDisposable {
  private constructor(
    private readonly parts: {
      /** The namespace of the broker's account. */
      readonly account: string;
      readonly lab: BrokerLab;
      readonly admin: ClusterAdmin;
      readonly robin: ApiClient;
      readonly ada: ApiClient;
      readonly config: string;
      readonly opened: AsyncDisposableStack;
    },
    /** What the account may do. */
    readonly granted: readonly Right[],
    /** What people may do in whose names it acts. */
    readonly grantedToPeople: readonly Right[],
  ) {}

  /** @param files of deploy/. @param account the namespace of the broker's account, new to the cluster. */
  static async start(
    files: readonly string[],
    account: string,
    more: Pick<Surroundings, 'impersonate'> = {},
  ): Promise<RightsLab> {
    await using opened = new AsyncDisposableStack();
    const lab = opened.use(await BrokerLab.start());
    const { cluster, folder, adminKubeconfig } = lab.sandbox;
    const admin = opened.use(
      await ClusterAdmin.open({ kubeconfig: adminKubeconfig, run: account, patienceMs: 10_000 }),
    );
    cluster.addNamespace(account);
    cluster.addNamespace(NAMESPACE, { tier: 'shops' });
    const manifests = await readManifests(files, { shop: NAMESPACE, hallpass: account });
    for (const manifest of manifests) await createManifest(admin, manifest);
    const kubeconfig = join(folder, 'exact.kubeconfig');
    await admin.writeKubeconfig(kubeconfig, { namespace: account, name: 'hallpass' });
    const surroundings = {
      ...more,
      kubeconfig,
      namespaces: [NAMESPACE],
      policies: await writePolicies(join(folder, 'rights')),
      sessions: { ...QUICK_SESSIONS, overrunSeconds: 1 },
    };
    const broker = await lab.brokerWithTls({ surroundings });
    const { path: config } = await lab.config(surroundings);
    const [robin, ada] = [await lab.as('requester', broker), await lab.as('admin', broker)];
    return new RightsLab(
      { account, lab, admin, robin, ada, config, opened: opened.move() },
      rightsOf(manifests),
      rightsOf(manifests, 'Group'),
    );
  }

  /** What the broker's requests were authorized as, and whether they were. */
  asked(by = this.account) {
    return this.cluster.asked.of(by);
  }

  /** Every kind of target, the ways into a session, and the ways out of it. */
  async useAll(): Promise<void> {
    await Promise.all([
      this.workloads(),
      this.kubectl(),
      this.endsOnTime(),
      this.endsEarly(),
      this.endsByForce(),
      this.evicts(),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.opened.disposeAsync();
  }

  /** The broker's account, as the API server names it. */
  get account(): string {
    return `system:serviceaccount:${this.parts.account}:hallpass`;
  }

  /** A configuration as the broker's, and a kubeconfig of the cluster's administrator. */
  get files(): { readonly config: string; readonly adminKubeconfig: string } {
    const { config, lab } = this.parts;
    return { config, adminKubeconfig: lab.sandbox.adminKubeconfig };
  }

  get cluster() {
    return this.parts.lab.sandbox.cluster;
  }

  /** Sessions for what the list of targets offers: each kind of workload. */
  private async workloads(): Promise<void> {
    const { robin, admin } = this.parts;
    const at = (name: string, more: object = {}) => {
      const spec = {
        containers: [{ name: 'app', image: BUSYBOX, command: ['sleep', '3600'] }],
        terminationGracePeriodSeconds: 1,
        ...more,
      };
      return { metadata: { name }, spec: selecting(name, spec) };
    };
    const { apps, batch } = admin;
    const namespace = NAMESPACE;
    await apps.createNamespacedDeployment({ namespace, body: at('checkout') });
    const set = at('carts');
    await apps.createNamespacedStatefulSet({
      namespace,
      body: { ...set, spec: { ...set.spec, serviceName: 'carts' } },
    });
    await apps.createNamespacedDaemonSet({ namespace, body: at('agent') });
    const job = at('import', { restartPolicy: 'Never' });
    const { template } = job.spec;
    await batch.createNamespacedJob({
      namespace,
      body: { metadata: job.metadata, spec: { template } },
    });
    const names = {
      Deployment: 'checkout',
      StatefulSet: 'carts',
      DaemonSet: 'agent',
      Job: 'import',
    };
    await this.cluster.untilPods(namespace, (pods) => {
      const running = pods.filter(({ status }) => status.phase === 'Running');
      return Object.values(names).every((name) =>
        running.some(({ metadata }) => metadata.name.startsWith(`${name}-`)),
      );
    });
    const offered = await robin.call('GET', `/v1/clusters/sandbox/targets?namespace=${namespace}`);
    if (offered.status !== 200) throw new Error(JSON.stringify(offered.body));
    await Promise.all(
      Object.entries(names).map(async ([kind, name]) => {
        const workload = { kind, name } as Workload;
        const session = await this.active({ workload });
        await robin.act(session.id, 'end');
        await robin.until(session.id, ['ended']);
      }),
    );
  }

  /** A command, a terminal, copies, logs and ports, by the oldest kubectl and by the newest, and by kubectl's own debug. */
  private async kubectl(): Promise<void> {
    const { robin } = this.parts;
    const hasPerl = thisMachine.find('perl') !== undefined;
    const web = { image: 'docker.io/library/web:1', command: ['/bin/web', 'echo', '0'] };
    const pod = await this.pod(hasPerl ? web : {});
    const session = await this.active({ pod });
    const { body } = await robin.call(
      'GET',
      `/v1/sessions/${session.id}/kubeconfig?credential=token`,
    );
    for (const version of ['1.30', '1.36'] as const) {
      await using kubectl = await opened(String(body), version);
      await runs(kubectl.it, ['get', 'pods']);
      await runs(kubectl.it, ['exec', pod, '--', 'true']);
      await runs(kubectl.it, ['cp', `${pod}:/etc/hostname`, join(this.folder, version)]);
      await runs(kubectl.it, ['logs', pod, '-c', 'app']);
      const forwarding = kubectl.it.start(['port-forward', pod, ':80']);
      await forwarding.until(({ stdout }) => stdout.includes('Forwarding from'));
      await forwarding.stop();
    }
    await robin.act(session.id, 'extend', { durationSeconds: 600 });
    await robin.act(session.id, 'end');
    await robin.until(session.id, ['ended']);

    const own = parse(
      String((await robin.call('GET', '/v1/clusters/sandbox/kubeconfig')).body),
    ) as {
      users: { user: object }[];
    };
    for (const one of own.users) one.user = { token: robin.bearer };
    await using kubectl = await opened(stringify(own), '1.36');
    const wishes = '--env=HALLPASS_REASON=carts,HALLPASS_PROFILE=plain';
    const onto = [await this.pod(), '-n', NAMESPACE, `--image=${IMAGE}`, '--target=app', wishes];
    await runs(kubectl.it, ['debug', '-i', ...onto, '--', 'true']);
  }

  /** By its own timer, with nobody's help. */
  private async endsOnTime(): Promise<void> {
    const { id } = await this.active({ pod: await this.pod() }, { durationSeconds: 5 });
    await this.parts.robin.until(id, ['ended']);
  }

  private async endsEarly(): Promise<void> {
    const { robin, ada } = this.parts;
    const [left, revoked] = await Promise.all([
      this.active({ pod: await this.pod() }),
      this.active({ pod: await this.pod() }, { container: 'app' }),
    ]);
    await robin.act(left.id, 'end');
    await ada.act(revoked.id, 'revoke', { comment: 'it is not the carts' });
    await Promise.all([left, revoked].map(({ id }) => robin.until(id, ['ended'])));
  }

  /** Where a line does not reach the timer, a command in the container does. */
  private async endsByForce(): Promise<void> {
    const { robin } = this.parts;
    const pod = await this.pod();
    const { id } = await this.active({ pod });
    this.cluster.faults.add({
      match: { path: new RegExp(`${pod}/attach`) },
      effect: { kind: 'refuse', status: 500 },
    });
    await robin.act(id, 'end');
    await robin.until(id, ['ended']);
  }

  private async evicts(): Promise<void> {
    const { robin } = this.parts;
    const pod = await this.pod();
    const { id } = await this.active({ pod }, { profile: 'evicted' });
    this.cluster.faults.add({
      match: { path: new RegExp(`${pod}/(?:attach|exec)`) },
      effect: { kind: 'refuse', status: 500 },
    });
    await robin.act(id, 'end');
    await robin.until(id, ['ended']);
    if (this.cluster.pod(NAMESPACE, pod)) throw new Error('its Pod is still there');
  }

  async active(
    target: NewSession['target'],
    more: Partial<NewSession> = {},
  ): Promise<SessionDetails> {
    const { robin } = this.parts;
    const { id } = await robin.ask({
      namespace: NAMESPACE,
      target,
      profile: 'plain',
      reason: 'carts are empty',
      durationSeconds: 300,
      ...more,
    });
    return robin.until(id, ['active']);
  }

  async pod(more: { image?: string; command?: string[] } = {}): Promise<string> {
    const name = uniqueName('web');
    const usual = { image: BUSYBOX, command: ['sleep', '3600'] };
    this.cluster.addPod({ namespace: NAMESPACE, ...usual, ...more, name });
    await this.cluster.untilPod(NAMESPACE, name, (it) => it?.status.phase === 'Running');
    return name;
  }

  private get folder(): string {
    return this.parts.lab.sandbox.folder;
  }
}

async function opened(kubeconfig: string, version: KubectlVersion) {
  const it = await Kubectl.with(kubeconfig, version);
  return { it, [Symbol.asyncDispose]: () => it.close() };
}

async function runs(kubectl: Kubectl, args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await kubectl.run([...args]);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

/** Only in namespaces with a label that policies look at. */
async function writePolicies(folder: string): Promise<string> {
  const documents = Object.entries(TERMS).flatMap(([name, terms]) => [
    {
      apiVersion: 'hallpass/v1',
      kind: 'DebugProfile',
      metadata: { name },
      spec: { image: IMAGE, debugProfile: 'baseline' },
    },
    {
      apiVersion: 'hallpass/v1',
      kind: 'AccessPolicy',
      metadata: { name },
      spec: {
        effect: 'allow',
        match: {
          groups: PEOPLE.requester.groups,
          namespaceSelector: { matchLabels: { tier: 'shops' } },
          profiles: [name],
        },
        terms: { longest: '10m', ...terms },
      },
    },
  ]);
  await mkdir(folder);
  const text = documents.map((document) => stringify(document)).join('---\n');
  await writeFile(join(folder, 'rights.yaml'), text);
  return folder;
}
