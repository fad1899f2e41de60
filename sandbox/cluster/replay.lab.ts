import type { RunningContainer } from '../runtime/container.runtime.js';
import { isObject } from './json.value.js';
import type { ContainerStatus, Pod } from './pod.schema.js';
import { RawClient, type RawAnswer } from './raw.client.js';
import { startCluster, type StandInCluster } from './stand-in.cluster.js';
import type { Timings } from './timings.js';

const strategic = 'application/strategic-merge-patch+json';

/** The Pods that were there when the recordings were made, as they were applied. */
const manifests = {
  web: {
    metadata: { labels: { app: 'web' }, name: 'web', namespace: 'lab' },
    spec: {
      containers: [{ image: 'docker.io/library/app:1', imagePullPolicy: 'Never', name: 'app' }],
      terminationGracePeriodSeconds: 1,
    },
  },
  done: {
    metadata: { name: 'done', namespace: 'lab' },
    spec: {
      containers: [
        {
          command: ['/bin/true'],
          image: 'docker.io/library/busybox:1',
          imagePullPolicy: 'Never',
          name: 'app',
        },
      ],
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
    },
  },
  pending: {
    metadata: { name: 'pending', namespace: 'lab' },
    spec: {
      containers: [{ image: 'docker.io/library/app:1', imagePullPolicy: 'Never', name: 'app' }],
      nodeSelector: { false: 'where' },
    },
  },
  gone: {
    metadata: { name: 'gone', namespace: 'lab' },
    spec: {
      containers: [{ image: 'docker.io/library/app:1', imagePullPolicy: 'Never', name: 'app' }],
      terminationGracePeriodSeconds: 3,
    },
  },
  tight: {
    metadata: { name: 'tight', namespace: 'lab-restricted' },
    spec: {
      containers: [
        {
          image: 'docker.io/library/app:1',
          imagePullPolicy: 'Never',
          name: 'app',
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      terminationGracePeriodSeconds: 1,
    },
  },
} as const;
export type LabPod = keyof typeof manifests;

const brokerRules = [
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['pods/ephemeralcontainers'], verbs: ['get', 'patch'] },
  { apiGroups: [''], resources: ['pods/exec', 'pods/attach'], verbs: ['get', 'create'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
];

/** A stand-in set up as the cluster of the recordings was: its namespaces, Pods and service accounts. */
export class Lab {
  private constructor(
    readonly cluster: StandInCluster,
    readonly client: RawClient,
    private readonly tokens: Readonly<Record<string, string | undefined>>,
  ) {}

  static async start(
    pods: readonly LabPod[],
    timings: Partial<Timings> = { futureVersionMs: 50 },
  ): Promise<Lab> {
    const cluster = await startCluster({ timings });
    const client = new RawClient(cluster.url, cluster.caPem);
    cluster.addNamespace('lab');
    cluster.addNamespace('lab-restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    const broker = cluster.addServiceAccount({ namespace: 'lab', name: 'broker' });
    const nobody = cluster.addServiceAccount({ namespace: 'lab', name: 'nobody' });
    const lab = new Lab(cluster, client, {
      'broker service account': broker,
      'a service account without rights': nobody,
      admin: cluster.tokens.admin,
      anonymous: undefined,
      'an unknown token': 'x'.repeat(43),
    });
    await lab.#create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'debug-broker' },
      rules: brokerRules,
    });
    await lab.#create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'debug-broker' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'debug-broker' },
      subjects: [{ kind: 'ServiceAccount', name: 'broker', namespace: 'lab' }],
    });
    for (const pod of pods) await lab.#apply(pod);
    for (const pod of pods) await lab.#settled(pod);
    return lab;
  }

  /** The token of an identity as recordings name it; anonymous has none. */
  token(identity = 'broker service account'): string | undefined {
    if (!(identity in this.tokens)) throw new Error(`no such identity: ${identity}`);
    return this.tokens[identity];
  }

  async addEphemeral(container: Record<string, unknown>, pod: LabPod = 'web'): Promise<RawAnswer> {
    const answer = await this.client.send({
      method: 'PATCH',
      path: `/api/v1/namespaces/lab/pods/${pod}/ephemeralcontainers`,
      contentType: strategic,
      token: this.token(),
      body: { spec: { ephemeralContainers: [container] } },
    });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer;
  }

  /** A busybox container with a command, as the recordings used them. */
  busybox(name: string, command: string[], more: Record<string, unknown> = {}) {
    return {
      name,
      image: 'docker.io/library/busybox:1',
      imagePullPolicy: 'Never',
      command,
      ...more,
    };
  }

  async untilEphemeral(
    name: string,
    satisfies: (status: ContainerStatus) => boolean,
    pod: LabPod = 'web',
  ): Promise<void> {
    await this.cluster.untilPod('lab', pod, (p) => {
      const status = p?.status.ephemeralContainerStatuses?.find((s) => s.name === name);
      return status !== undefined && satisfies(status);
    });
  }

  /** Adds a container and waits until its status says running. */
  async running(container: Record<string, unknown> & { name: string }, pod: LabPod = 'web') {
    await this.addEphemeral(container, pod);
    await this.untilEphemeral(container.name, (s) => s.state.running !== undefined, pod);
  }

  pod(name: LabPod): Pod {
    const pod = this.cluster.pod(manifests[name].metadata.namespace, name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    return pod;
  }

  version(): string {
    return String(this.cluster.parts.store.version);
  }

  async #apply(name: LabPod): Promise<void> {
    const { metadata, spec } = manifests[name];
    const labelled = 'labels' in metadata ? { labels: metadata.labels } : {};
    const applied = sorted({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { annotations: {}, ...labelled, name, namespace: metadata.namespace },
      spec,
    });
    await this.#create(`/api/v1/namespaces/${metadata.namespace}/pods`, {
      metadata: {
        ...metadata,
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify(applied)}\n`,
        },
      },
      spec,
    });
  }

  async #create(path: string, body: unknown): Promise<void> {
    const answer = await this.client.send({
      method: 'POST',
      path,
      contentType: 'application/json',
      token: this.token('admin'),
      body,
    });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  }

  async #settled(name: LabPod): Promise<void> {
    const { namespace } = manifests[name].metadata;
    const at = (pod: Pod | undefined): boolean => {
      if (pod === undefined) return false;
      if (name === 'pending') return (pod.status.conditions ?? []).length > 0;
      if (name === 'done') {
        const ready = pod.status.conditions?.find((c) => c.type === 'PodReadyToStartContainers');
        return pod.status.phase === 'Succeeded' && ready?.status === 'False';
      }
      return pod.status.containerStatuses?.[0]?.ready === true;
    };
    await this.cluster.untilPod(namespace, name, at);
  }

  async close(): Promise<void> {
    await this.cluster.close();
  }
}

/** Resolves once it has written something: by then its script has set its handlers. */
export async function untilSpoken(process: RunningContainer | undefined): Promise<void> {
  const heard = process?.followLog(AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
  const first = await heard?.next();
  if (first === undefined || first.done === true) throw new Error('it said nothing');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name])]),
  );
}
