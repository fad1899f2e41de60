import { readFile, writeFile } from 'node:fs/promises';
import {
  ApiException,
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node';
import type { V1Namespace, V1ServiceAccount } from '@kubernetes/client-node';
import { loadKubeconfig } from '../../src/adapters/kubernetes/kubeconfig.loader.js';
import type { PooledKubeConfig } from '../../src/adapters/kubernetes/pooled.kubeconfig.js';
import { ObjectsSeen } from './objects.seen.js';

const TOKEN_SECONDS = 3_600;

/** The admin of a cluster, who makes what one run of a test needs, and removes it. */
export class ClusterAdmin implements AsyncDisposable {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly rbac: RbacAuthorizationV1Api;

  private constructor(
    readonly kubeconfig: PooledKubeConfig,
    private readonly run: string,
    private readonly patienceMs: number,
  ) {
    this.core = kubeconfig.makeApiClient(CoreV1Api);
    this.apps = kubeconfig.makeApiClient(AppsV1Api);
    this.batch = kubeconfig.makeApiClient(BatchV1Api);
    this.rbac = kubeconfig.makeApiClient(RbacAuthorizationV1Api);
  }

  /** By the current context of a kubeconfig file. @throws Error where its cluster does not answer, or not that user. */
  static async open(args: {
    readonly kubeconfig: string;
    readonly run: string;
    readonly patienceMs: number;
  }): Promise<ClusterAdmin> {
    const { kubeconfig, run, patienceMs } = args;
    try {
      const settings = { name: run, inCluster: false, kubeconfig, namespaces: [] };
      const admin = new ClusterAdmin(await loadKubeconfig(settings), run, patienceMs);
      await admin.namespaces();
      return admin;
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${kubeconfig} does not lead to a cluster as its admin: ${said}`, { cause });
    }
  }

  /** Makes a namespace of this run, ready for Pods. */
  async makeNamespace(name: string): Promise<void> {
    await this.core.createNamespace({
      body: {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name,
          labels: {
            'app.kubernetes.io/managed-by': 'hallpass-test',
            'app.kubernetes.io/instance': this.run,
            // Some clusters enforce a stricter standard by default, which debug containers do not meet.
            'pod-security.kubernetes.io/enforce': 'privileged',
          },
        },
      },
    });
    await using accounts = await ObjectsSeen.open<V1ServiceAccount>({
      kubeconfig: this.kubeconfig,
      path: `/api/v1/namespaces/${name}/serviceaccounts`,
      list: () => this.core.listNamespacedServiceAccount({ namespace: name }),
    });
    // A controller makes it; before that the API server refuses every Pod.
    await accounts.until((all) => all.find(({ metadata }) => metadata?.name === 'default'), {
      what: `there is a default service account in ${name}`,
      timeoutMs: this.patienceMs,
    });
  }

  /** The names of this run's namespaces that are there. */
  async namespaces(): Promise<string[]> {
    const { items } = await this.core.listNamespace({ labelSelector: this.label });
    return items.map(({ metadata }) => metadata?.name ?? '');
  }

  /** Removes all of this run and waits until it is gone. */
  async removeNamespaces(): Promise<void> {
    await Promise.all((await this.namespaces()).map((name) => this.removeNamespace(name)));
    await using seen = await ObjectsSeen.open<V1Namespace>({
      kubeconfig: this.kubeconfig,
      path: '/api/v1/namespaces',
      labelSelector: this.label,
      list: () => this.core.listNamespace({ labelSelector: this.label }),
    });
    await seen.until((left) => (left.length === 0 ? true : undefined), {
      what: `the namespaces with the label ${this.label} are gone`,
      timeoutMs: this.patienceMs,
    });
  }

  /** Writes a kubeconfig file with a token of a service account, for the server and the trust of the admin's own. */
  async writeKubeconfig(
    path: string,
    { namespace, name }: { readonly namespace: string; readonly name: string },
  ): Promise<void> {
    const { status } = await this.core.createNamespacedServiceAccountToken({
      namespace,
      name,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [], expirationSeconds: TOKEN_SECONDS },
      },
    });
    const { token } = status ?? {};
    const cluster = this.kubeconfig.getCurrentCluster();
    if (token === undefined || !cluster) throw new Error(`no token for ${namespace}/${name}`);
    const { caFile, ...rest } = cluster;
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      caFile === undefined || rest.caData !== undefined
        ? rest
        : { ...rest, caData: await readFile(caFile, 'base64') },
      { name, token },
    );
    await writeFile(path, config.exportConfig(), { mode: 0o600 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kubeconfig.destroy();
  }

  private get label(): string {
    return `app.kubernetes.io/instance=${this.run}`;
  }

  private async removeNamespace(name: string): Promise<void> {
    try {
      await this.core.deleteNamespace({ name });
    } catch (error) {
      const isGone = error instanceof ApiException && error.code === 404;
      if (!isGone) throw error;
    }
  }
}
