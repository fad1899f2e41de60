import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { RawClient } from '../../sandbox/cluster/raw.client.js';
import type { PodShorthand } from '../../sandbox/cluster/object.shorthand.js';
import type { ClusterOptions, StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import { startCluster, uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import type { ClusterSettings } from '../../src/adapters/kubernetes/cluster.settings.js';
import type { RetryLimits } from '../../src/adapters/kubernetes/retry.policy.js';
import type { Place, ResolvedTarget } from '../../src/app/ports/cluster.js';
import type { Problem } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import type { EphemeralContainerSpec } from '../../src/domain/session/debug-container.js';

const DEPLOY = new URL('../../deploy/', import.meta.url);
export const NAMESPACE = 'shop';
export const CLUSTER = 'prod-eu';

const Manifest = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
});

const COLLECTION: Readonly<Record<string, string>> = {
  ServiceAccount: '/api/v1/namespaces/NS/serviceaccounts',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings',
};

/** The Pod that can take a debug container, or why there is none. */
export function usable(
  answer: ResolvedTarget | Problem,
): Extract<ResolvedTarget, { pin: object }> | Problem {
  if (isProblem(answer)) return answer;
  return answer.pin === null ? answer.unfit : (answer.unfit ?? answer);
}

/** What the broker's account would log; kept to be searched for what must never be in it. */
export class KeptLog {
  readonly lines: { level: string; facts: object; message: string }[] = [];
  info(facts: object, message: string): void {
    this.lines.push({ level: 'info', facts, message });
  }
  warn(facts: object, message: string): void {
    this.lines.push({ level: 'warn', facts, message });
  }
  error(facts: object, message: string): void {
    this.lines.push({ level: 'error', facts, message });
  }
}

/** The stand-in cluster, and the adapter running as the account of deploy/rbac.yaml with exactly its rights. */
export class BrokerLab {
  readonly log = new KeptLog();
  readonly clusters: KubernetesClusters;
  private readonly made: KubernetesClusters[] = [];

  private constructor(
    readonly cluster: StandInCluster,
    readonly admin: RawClient,
    readonly folder: string,
    readonly kubeconfig: string,
  ) {
    this.clusters = this.broker();
  }

  static async start(options: ClusterOptions = {}): Promise<BrokerLab> {
    const cluster = await startCluster(options);
    for (const name of ['hallpass', NAMESPACE, 'other']) cluster.addNamespace(name);
    const admin = new RawClient(cluster.url, cluster.caPem);
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-lab-'));
    const lab = new BrokerLab(cluster, admin, folder, join(folder, 'kubeconfig'));
    await lab.apply('rbac.yaml');
    await writeFile(lab.kubeconfig, cluster.kubeconfig('hallpass/hallpass'), { mode: 0o600 });
    return lab;
  }

  /** The adapter with other settings than usual. */
  broker(
    settings: Partial<ClusterSettings> = {},
    limits: Partial<RetryLimits> = {},
  ): KubernetesClusters {
    const usual = {
      name: CLUSTER,
      inCluster: false,
      kubeconfig: this.kubeconfig,
      namespaces: [NAMESPACE],
    };
    const broker = new KubernetesClusters({
      clusters: [{ ...usual, ...settings }],
      log: this.log,
      limits,
    });
    this.made.push(broker);
    return broker;
  }

  /** Creates what a file of deploy/ says, as the cluster's admin. */
  async apply(file: string): Promise<void> {
    const documents = parseAllDocuments(await readFile(new URL(file, DEPLOY), 'utf8'));
    for (const document of documents) {
      const manifest = Manifest.parse(document.toJS());
      const path = (COLLECTION[manifest.kind] ?? '').replace('NS', manifest.metadata.namespace);
      await this.create(path, manifest);
    }
  }

  async create(path: string, body: unknown): Promise<void> {
    const made = await this.admin.send({
      method: 'POST',
      path,
      token: this.cluster.tokens.admin,
      contentType: 'application/json',
      body,
    });
    if (made.status !== 201) throw new Error(`${path}: ${JSON.stringify(made.body)}`);
  }

  /** A Pod that runs, unless told not to wait, and where a session's container would be in it. */
  async place(shorthand: Partial<PodShorthand> = {}): Promise<Place> {
    const name = shorthand.name ?? uniqueName('web');
    this.cluster.addPod({ namespace: NAMESPACE, ...shorthand, name });
    const pod = await this.cluster.untilPod(
      NAMESPACE,
      name,
      (it) => it?.status.phase === 'Running',
    );
    if (!pod) throw new Error('the Pod is gone');
    return {
      cluster: CLUSTER,
      namespace: NAMESPACE,
      pin: { podName: name, podUid: pod.metadata.uid, nodeName: pod.spec.nodeName ?? '' },
      containerName: uniqueName('hallpass'),
    };
  }

  /** A place whose container runs until a line comes. */
  async running(command?: readonly string[]): Promise<Place> {
    const place = await this.place();
    const added = await this.clusters.add(place, debugContainer(place, command));
    if (added !== 'added') throw new Error(added.refused.detail);
    await this.untilState(place, 'running');
    return place;
  }

  async untilState(place: Place, state: 'running' | 'terminated'): Promise<void> {
    await this.cluster.untilPod(NAMESPACE, place.pin.podName, (pod) =>
      Boolean(
        pod?.status.ephemeralContainerStatuses?.some(
          (it) => it.name === place.containerName && it.state[state],
        ),
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.made.map((broker) => broker.close()));
    await this.cluster.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A container that ends with the first line that it is given. */
export function debugContainer(
  place: Place,
  command: readonly string[] = ['/bin/sh', '-c', 'read x; exit 0'],
): EphemeralContainerSpec {
  return {
    name: place.containerName,
    image: 'docker.io/library/busybox:1',
    imagePullPolicy: 'Never',
    command,
    env: [{ name: 'HALLPASS_SESSION', value: 'test' }],
    stdin: true,
    stdinOnce: false,
    tty: false,
    terminationMessagePolicy: 'File',
  };
}

/** The present value, for tests that have just made sure of it. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none');
  return value;
}

/** The first observation that satisfies. */
export async function until<T>(
  observations: AsyncIterable<T>,
  satisfies: (value: T) => boolean,
): Promise<T> {
  for await (const value of observations) if (satisfies(value)) return value;
  throw new Error('it ended before that');
}
