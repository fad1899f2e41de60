import { randomBytes } from 'node:crypto';
import { ContainerRuntime } from '../runtime/container.runtime.js';
import { AdmissionPolicies } from './admission.policies.js';
import { ApiServer } from './api.server.js';
import { AskedRights } from './asked.rights.js';
import { Authenticator } from './authenticator.js';
import { Authorizer } from './authorizer.js';
import { addNode, bootstrapRoles, createNamespace } from './cluster.bootstrap.js';
import type { ClusterParts } from './cluster.parts.js';
import { EventRecorder } from './event.recorder.js';
import { Faults } from './faults.js';
import { type Image, ImageTable, knownImages } from './images.js';
import { madeOrThrow } from './refusal.error.js';
import { playIdleNodes } from './idle.nodes.js';
import { kubeconfigYaml } from './kubeconfig.js';
import { Kubelet } from './kubelet.js';
import type { KubeObject } from './kube.object.js';
import { newMeta } from './object.operations.js';
import {
  type AccountShorthand,
  deploymentFrom,
  type DeploymentShorthand,
  grant,
  podFrom,
  type PodShorthand,
} from './object.shorthand.js';
import { ObjectStore } from './object.store.js';
import { createPod, deletePod, removePod } from './pod.operations.js';
import type { Pod } from './pod.schema.js';
import { RequestLog } from './request.log.js';
import { Scheduler } from './scheduler.js';
import { makeServerCertificate } from './server.certificate.js';
import { quickTimings, type Timings } from './timings.js';
import { WorkloadControllers } from './workload.controllers.js';
import type { Workload } from './workload.schema.js';

export interface ClusterOptions {
  /** 0, the default: any free port of 127.0.0.1. */
  port?: number;
  /** Overrides of `quickTimings`. */
  timings?: Partial<Timings>;
  /** Images beside the known ones, by reference. */
  images?: Readonly<Record<string, Image>>;
  /** How many changes are kept for watches; older ones are answered 410. */
  historyMax?: number;
  /** The admin's token; made up when absent. At least 20 characters. */
  adminToken?: string;
  now?: () => Date;
}

const realNode = 'n1';

/** Starts a cluster of one Linux node, `n1`, with the namespaces `default` and `kube-system`. */
export async function startCluster(options: ClusterOptions = {}): Promise<StandInCluster> {
  const certificate = await makeServerCertificate();
  const runtime = await ContainerRuntime.create();
  const cluster = new StandInCluster(options, runtime, certificate.caPem);
  const server = new ApiServer(cluster.parts, certificate);
  await cluster.listen(server, options.port ?? 0);
  return cluster;
}

/**
 * A stand-in for a Kubernetes cluster: the API of Kubernetes 1.36 as far as it is played (everything else is 501), held
 * to test/kubernetes-1.36 by replay.test.ts, with containers that are processes of this machine.
 */
export class StandInCluster {
  readonly parts: ClusterParts;
  readonly faults = new Faults();
  readonly requests = new RequestLog();
  /** What requests were authorized as. */
  readonly asked = new AskedRights();
  /** The ValidatingAdmissionPolicies in force; none at first. */
  readonly admission: AdmissionPolicies;
  readonly images: ImageTable;
  readonly tokens: { readonly admin: string };
  #caPem: string;
  readonly #store: ObjectStore;
  readonly #stops: (() => void)[] = [];
  #server: ApiServer | undefined;

  constructor(
    options: ClusterOptions,
    readonly runtime: ContainerRuntime,
    caPem: string,
  ) {
    this.#caPem = caPem;
    const now = options.now ?? (() => new Date());
    const store = new ObjectStore(options.historyMax);
    const timings = { ...quickTimings, ...options.timings };
    const events = new EventRecorder(store, now);
    const authenticator = new Authenticator(store, now);
    this.#store = store;
    this.admission = new AdmissionPolicies({ store, now });
    this.images = new ImageTable({ ...knownImages, ...options.images });
    this.tokens = {
      admin: authenticator.issueForUser(
        { name: 'kubernetes-admin', groups: ['system:masters'] },
        options.adminToken,
      ),
    };
    const kubelet = new Kubelet({
      store,
      runtime,
      images: this.images,
      faults: this.faults,
      events,
      timings,
      now,
      nodeName: realNode,
      hostIP: '192.0.2.2',
      removePod: (pod) => void removePod(store, pod, now()),
    });
    this.parts = {
      store,
      authenticator,
      authorizer: new Authorizer(store, this.asked),
      admission: this.admission,
      kubelet,
      runtime,
      faults: this.faults,
      requests: this.requests,
      timings,
      now,
      createNamespace: (given, dryRun) => createNamespace(store, { given, now: now(), dryRun }),
    };
    const scheduler = new Scheduler(store, events, now);
    const controllers = new WorkloadControllers(store, now);
    this.#stops.push(
      () => scheduler.close(),
      () => controllers.close(),
      playIdleNodes(store, realNode, now),
    );
    bootstrapRoles(store, now());
    this.addNode({ name: realNode });
    this.addNamespace('default');
    this.addNamespace('kube-system');
    // What the cluster wrote for itself is history nobody can watch, as on a real one that has run a while.
    store.compact();
  }

  /** Called once, by `startCluster`. */
  async listen(server: ApiServer, port: number): Promise<void> {
    await server.listen(port);
    this.#server = server;
  }

  /** The certificate authority that its server's certificate is by. */
  get caPem(): string {
    return this.#caPem;
  }

  /** Gives the server another certificate, by another authority, as a rotation of both does. Connections stay. */
  async renewCertificate(goodUntil?: Date): Promise<void> {
    const certificate = await makeServerCertificate('kube-apiserver', goodUntil);
    this.#listening.renew(certificate);
    this.#caPem = certificate.caPem;
  }

  get url(): string {
    return `https://${this.#listening.address}`;
  }

  /** TLS connections made since the start, and open now. */
  get connections(): { made: number; open: number } {
    return this.#listening.connections;
  }

  get #listening(): ApiServer {
    if (this.#server === undefined) throw new Error('the cluster is not listening');
    return this.#server;
  }

  /** Cuts every open connection. */
  dropConnections(): void {
    this.#listening.dropConnections();
  }

  /** Forgets the history of changes, as etcd's compaction does: watches from before are answered 410. */
  compact(): void {
    this.#store.compact();
  }

  addNode({ name, os = 'linux' }: { name: string; os?: 'linux' | 'windows' }): void {
    addNode(this.#store, { name, os, now: this.parts.now() });
  }

  addNamespace(name: string, labels: Record<string, string> = {}): KubeObject {
    return madeOrThrow(this.parts.createNamespace({ name, labels }, false));
  }

  /** A Pod of one container `app`; the namespace must exist. Returns it as created: Pending, on no node yet. */
  addPod(shorthand: PodShorthand): Pod {
    const { namespace = 'default' } = shorthand;
    const given = podFrom(shorthand);
    return madeOrThrow(createPod({ store: this.#store, namespace, given, now: this.parts.now() }));
  }

  /** A Deployment whose Pods have one container `app` and the label `app: NAME`, unless others are given. */
  addDeployment(shorthand: DeploymentShorthand): Workload {
    return this.#store.put('deployments', deploymentFrom(shorthand, this.parts.now()));
  }

  pod(namespace: string, name: string): Pod | undefined {
    return this.#store.get('pods', namespace, name);
  }

  pods(namespace?: string): Pod[] {
    return this.#store.list('pods', namespace);
  }

  /** Deletes with the Pod's own grace unless another is given; 0 removes it at once. */
  deletePod(namespace: string, name: string, graceSeconds?: number): void {
    const pod = this.pod(namespace, name);
    if (pod === undefined) return;
    madeOrThrow(deletePod({ store: this.#store, pod, graceSeconds, now: this.parts.now() }));
  }

  /** Plays a failing (or again succeeding) readiness probe. */
  setReady(namespace: string, name: string, ready: boolean): void {
    const pod = this.pod(namespace, name);
    if (pod !== undefined) this.parts.kubelet.setReady(pod, ready);
  }

  /** Resolves with the Pod as soon as it satisfies; rejects after `timeoutMs`. `undefined` stands for "is gone". */
  async untilPod(
    namespace: string,
    name: string,
    satisfies: (pod: Pod | undefined) => boolean,
    timeoutMs = 15_000,
  ): Promise<Pod | undefined> {
    await this.untilPods(namespace, () => satisfies(this.pod(namespace, name)), timeoutMs);
    return this.pod(namespace, name);
  }

  /** Resolves as soon as the namespace's Pods satisfy; rejects after `timeoutMs`. */
  async untilPods(
    namespace: string,
    satisfy: (pods: Pod[]) => boolean,
    timeoutMs = 15_000,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!satisfy(this.pods(namespace))) return;
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(() => {
        stop();
        const seen = this.pods(namespace).map(({ metadata: { name }, status }) => ({
          name,
          status,
        }));
        reject(new Error(`Pods of ${namespace} are not as awaited: ${JSON.stringify(seen)}`));
      }, timeoutMs);
      const stop = this.#store.subscribe(({ resource }) => {
        if (resource === 'pods') look();
      });
      look();
    });
  }

  /** A service account with its rights, and a token for it. */
  addServiceAccount(account: AccountShorthand): string {
    const { namespace, name, rules, ttlSeconds = 86_400 } = account;
    const store = this.#store;
    const now = this.parts.now();
    if (store.get('serviceaccounts', namespace, name) === undefined) {
      store.put('serviceaccounts', {
        kind: 'ServiceAccount',
        apiVersion: 'v1',
        metadata: newMeta({ name }, namespace, now),
      });
    }
    if (rules !== undefined) grant(store, account, now);
    const issued = this.parts.authenticator.issueForServiceAccount(namespace, name, ttlSeconds);
    if (issued === undefined) throw new Error(`no service account ${namespace}/${name}`);
    return issued.token;
  }

  /** A kubeconfig (YAML): `'admin'`, or a service account as `'namespace/name'`. */
  kubeconfig(user = 'admin', namespace?: string): string {
    const { url, caPem } = this;
    const [accountNamespace = '', accountName = ''] = user.split('/');
    const token =
      user === 'admin'
        ? this.tokens.admin
        : this.addServiceAccount({ namespace: accountNamespace, name: accountName });
    return kubeconfigYaml({
      url,
      caPem,
      user,
      token,
      ...(namespace === undefined ? {} : { namespace }),
    });
  }

  /** Ends every container and closes the server. */
  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.parts.kubelet.close();
    await this.#server?.close();
    await this.runtime.close();
  }
}

/** A name nothing else has, for tests that share a cluster. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}
