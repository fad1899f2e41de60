import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { vi } from 'vitest';
import { BROKER_RIGHTS } from '../../sandbox/broker/broker.account.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { loadKubeconfig } from '../../src/adapters/kubernetes/kubeconfig.loader.js';
import type { ProblemCode } from '../../src/domain/problem.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Right } from './broker.rights.js';
import {
  createManifest,
  may,
  readManifests,
  removeClusterWide,
  renamedFor,
  rightsOf,
} from './broker.rights.js';
import { ClusterAdmin } from './cluster.admin.js';
import { ObjectsSeen } from './objects.seen.js';
import { container, HOLD, isReady, podSpec, selecting } from './pod.shapes.js';

/** How patient a test must be with a cluster, and how short its sessions may be. */
export interface Pace {
  /** The duration of a session whose deadline is waited for. */
  readonly sessionSeconds: number;
  readonly startDeadlineSeconds: number;
  readonly startGraceSeconds: number;
  /** How long anything may take before it counts as not happening. */
  readonly patienceMs: number;
}

export const PACES = {
  standIn: {
    sessionSeconds: 5,
    startDeadlineSeconds: 6,
    startGraceSeconds: 1,
    patienceMs: 40_000,
  },
  // Images are pulled, nodes are busy, clocks differ.
  real: {
    sessionSeconds: 10,
    startDeadlineSeconds: 60,
    startGraceSeconds: 5,
    patienceMs: 240_000,
  },
} as const satisfies Record<string, Pace>;

export interface WorldSettings {
  /** A kubeconfig file whose current context may do everything. */
  readonly adminKubeconfig: string;
  /** `app` runs until it is stopped, with its own command; `debug` has a POSIX shell at /bin/sh. */
  readonly images: { readonly app: string; readonly debug: string };
  readonly pace: Pace;
  /** The label `app.kubernetes.io/instance` of all that is made; made up when absent. */
  readonly run?: string;
  /** The files of deploy/ that give the broker's account its rights. */
  readonly rights?: readonly string[];
}

/** A Pod that was made for a test. */
export interface PodMade {
  readonly name: string;
  readonly uid: string;
}

/** What a cluster says that lets nobody but the broker into debug containers. */
const NOT_ALLOWED: readonly ProblemCode[] = ['cluster-unauthorized', 'admission-refused'];

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A name nothing else has. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}

/**
 * What the main job needs of a cluster, made there as its admin by nothing but the API of Kubernetes: a namespace for
 * applications, and one for the broker's service account with exactly the rights of deploy/. All of it carries the
 * label `app.kubernetes.io/managed-by: hallpass-test`, and is gone when this is disposed of.
 */
export class ClusterWorld implements AsyncDisposable {
  private constructor(
    private readonly parts: {
      readonly settings: WorldSettings & { readonly run: string };
      readonly namespaces: { readonly apps: string; readonly brokers: string };
      readonly account: KubeConfig;
      readonly kubeconfig: string;
      readonly rights: readonly Right[];
      readonly admin: ClusterAdmin;
      readonly pods: ObjectsSeen<V1Pod>;
      readonly clusters: KubernetesClusters;
      readonly made: AsyncDisposableStack;
    },
  ) {}

  /** @throws Error where the cluster does not let it be made; what was made until then is removed first. */
  static async start(given: WorldSettings): Promise<ClusterWorld> {
    await using made = new AsyncDisposableStack();
    const settings = { run: uniqueName('hallpass-test'), ...given };
    const { run, adminKubeconfig, pace } = settings;
    const { patienceMs } = pace;
    const admin = made.use(
      await ClusterAdmin.open({ kubeconfig: adminKubeconfig, run, patienceMs }),
    );
    made.defer(() => admin.removeNamespaces());
    const namespaces = { apps: `${run}-apps`, brokers: `${run}-broker` };
    await Promise.all(Object.values(namespaces).map((name) => admin.makeNamespace(name)));

    const moved = await readManifests(settings.rights ?? BROKER_RIGHTS, {
      shop: namespaces.apps,
      hallpass: namespaces.brokers,
    });
    const manifests = moved.map((it) => renamedFor(run, it));
    for (const manifest of manifests) {
      made.defer(() => removeClusterWide(admin, manifest));
      await createManifest(admin, manifest);
    }
    const rights = rightsOf(manifests);

    const folder = await mkdtemp(join(tmpdir(), 'hallpass-world-'));
    made.defer(() => rm(folder, { recursive: true, force: true }));
    const kubeconfig = join(folder, 'broker.kubeconfig');
    await admin.writeKubeconfig(kubeconfig, { namespace: namespaces.brokers, name: 'hallpass' });
    const account = await loadAccount(kubeconfig);
    // An API server's authorizer learns of a new binding a moment later.
    await vi.waitUntil(
      async () => {
        // Those to impersonate are for single names.
        const asked = rights.filter(({ verb }) => !verb.startsWith('impersonate'));
        const answers = await Promise.all(asked.map((it) => may(account, namespaces.apps, it)));
        return answers.every(Boolean);
      },
      { timeout: patienceMs, interval: 200 },
    );

    const pods = made.use(
      await ObjectsSeen.open<V1Pod>({
        kubeconfig: admin.kubeconfig,
        path: `/api/v1/namespaces/${namespaces.apps}/pods`,
        list: () => admin.core.listNamespacedPod({ namespace: namespaces.apps }),
      }),
    );
    const clusters = new KubernetesClusters({
      clusters: [
        { name: run, inCluster: false, kubeconfig: adminKubeconfig, namespaces: [namespaces.apps] },
      ],
      log: SILENT,
    });
    made.defer(() => clusters.close());
    return new ClusterWorld({
      ...{ settings, namespaces, account, kubeconfig, rights, admin, pods, clusters },
      made: made.move(),
    });
  }

  get settings(): WorldSettings & { readonly run: string } {
    return this.parts.settings;
  }

  /** Where the Pods are. */
  get namespace(): string {
    return this.parts.namespaces.apps;
  }

  /** Where the broker's account is, and where it may do nothing. */
  get brokerNamespace(): string {
    return this.parts.namespaces.brokers;
  }

  /** A kubeconfig file of the broker's account. */
  get kubeconfig(): string {
    return this.parts.kubeconfig;
  }

  /** The credentials in it. */
  get account(): KubeConfig {
    return this.parts.account;
  }

  /** What deploy/ lets that account do in {@link namespace}. */
  get rights(): readonly Right[] {
    return this.parts.rights;
  }

  /** A Pod of one container, `app`, once it is ready; one that `finishes`, once it has. */
  async pod(kind: 'app' | 'shell' | 'finishes' = 'app'): Promise<PodMade> {
    const { app, debug } = this.settings.images;
    const spec = {
      app: podSpec({ image: app }),
      shell: podSpec({ image: debug, command: ['/bin/sh', '-c', HOLD] }),
      finishes: {
        ...podSpec({ image: debug, command: ['/bin/sh', '-c', 'exit 0'] }),
        restartPolicy: 'Never',
      },
    }[kind];
    const name = uniqueName(kind);
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec };
    await this.parts.admin.core.createNamespacedPod({ namespace: this.namespace, body });
    const hasFinished = ({ status }: V1Pod) => status?.phase === 'Succeeded';
    const pod = await this.untilPod(name, kind === 'finishes' ? hasFinished : isReady);
    return { name, uid: pod.metadata?.uid ?? '' };
  }

  /** A Deployment of two Pods, once both are ready. */
  async deployment(): Promise<{ readonly name: string; readonly pods: readonly string[] }> {
    const name = uniqueName('shop');
    const spec = { replicas: 2, ...selecting(name, podSpec({ image: this.settings.images.app })) };
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
    await this.parts.admin.apps.createNamespacedDeployment({ namespace: this.namespace, body });
    const ready = await this.parts.pods.until(
      (all) => {
        const own = all.filter((pod) => pod.metadata?.labels?.['app'] === name && isReady(pod));
        return own.length === 2 ? own : undefined;
      },
      { what: `${name} has two ready Pods`, timeoutMs: this.settings.pace.patienceMs },
    );
    return { name, pods: ready.map(({ metadata }) => metadata?.name ?? '') };
  }

  /** A StatefulSet of two Pods, the second of which never gets beyond its init container. */
  async halfHealthy(): Promise<{
    readonly name: string;
    readonly ready: string;
    readonly stuck: string;
  }> {
    const { app, debug } = this.settings.images;
    const name = uniqueName('half');
    const [ready, stuck] = [`${name}-0`, `${name}-1`];
    const init = container('init', {
      image: debug,
      command: ['/bin/sh', '-c', `case $POD in ${stuck}) ${HOLD};; esac`],
      env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    });
    const template = { ...podSpec({ image: app }), initContainers: [init] };
    const spec = { replicas: 2, serviceName: name, ...selecting(name, template) };
    const body = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name }, spec };
    await this.parts.admin.apps.createNamespacedStatefulSet({ namespace: this.namespace, body });
    await this.untilPod(ready, isReady);
    await this.untilPod(stuck, ({ status }) =>
      Boolean(status?.initContainerStatuses?.some(({ state }) => state?.running)),
    );
    return { name, ready, stuck };
  }

  /** The Pod as the cluster has it now. */
  readPod(name: string): Promise<V1Pod> {
    return this.parts.admin.core.readNamespacedPod({ name, namespace: this.namespace });
  }

  async deletePod(name: string): Promise<void> {
    await this.parts.admin.core.deleteNamespacedPod({ name, namespace: this.namespace });
  }

  /**
   * Runs a command in a container to its end, as the admin.
   *
   * @returns its exit code, or why an admin may not enter there. @throws Error where it cannot be run.
   */
  async exec(
    pod: PodMade,
    containerName: string,
    command: readonly string[],
  ): Promise<{ readonly exitCode: number } | { readonly notAllowed: string }> {
    const { clusters, settings } = this.parts;
    const pin = { podName: pod.name, podUid: pod.uid, nodeName: '' };
    const place = { cluster: settings.run, namespace: this.namespace, pin, containerName };
    const answer = await clusters.run(place, command);
    if (!isProblem(answer)) return answer;
    if (!NOT_ALLOWED.includes(answer.problem)) throw new Error(answer.detail);
    return { notAllowed: `an admin may not enter the container: ${answer.detail}` };
  }

  /** The credentials of one more service account, which nobody has given any rights. */
  async stranger(): Promise<KubeConfig> {
    const { admin, kubeconfig } = this.parts;
    const [namespace, name] = [this.brokerNamespace, uniqueName('stranger')];
    const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } };
    await admin.core.createNamespacedServiceAccount({ namespace, body });
    const path = `${kubeconfig}.${name}`;
    await admin.writeKubeconfig(path, { namespace, name });
    return loadAccount(path);
  }

  /** Removes all of it, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.made.disposeAsync();
  }

  private untilPod(name: string, satisfies: (pod: V1Pod) => boolean): Promise<V1Pod> {
    return this.parts.pods.until(
      (pods) => pods.find((pod) => pod.metadata?.name === name && satisfies(pod)),
      { what: `Pod ${name} is as it should be`, timeoutMs: this.settings.pace.patienceMs },
    );
  }
}

/** The namespaces of a run that are still there. */
export async function leftBehind({
  adminKubeconfig,
  run,
  pace,
}: WorldSettings & { readonly run: string }): Promise<string[]> {
  const { patienceMs } = pace;
  await using admin = await ClusterAdmin.open({ kubeconfig: adminKubeconfig, run, patienceMs });
  return await admin.namespaces();
}

function loadAccount(kubeconfig: string): Promise<KubeConfig> {
  return loadKubeconfig({ name: 'account', inCluster: false, kubeconfig, namespaces: [] });
}
