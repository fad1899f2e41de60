import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  HttpMethod,
  RequestContext,
  ServerConfiguration,
  createConfiguration,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import type { ClientOptions } from 'ws';
import { ZodError } from 'zod';
import type { ApiFailure } from './api.failure.js';
import { ApiFailureError, isApiFailure } from './api.failure.js';
import type { ClusterLog, ClusterSettings } from './cluster.settings.js';
import { fileStamp, loadKubeconfig } from './kubeconfig.loader.js';
import type { PooledKubeConfig } from './pooled.kubeconfig.js';
import type { TookNote } from './resilient.http.js';
import { ResilientHttp } from './resilient.http.js';
import type { RetryLimits } from './retry.policy.js';

const LOOK_AT_FILE_MS = 1_000;
const RELOAD_MS = 2_000;

const UNREADABLE = [ZodError, SyntaxError, TypeError];

/** client-node's generated calls for one cluster, and the credentials they are made with. */
export interface Api {
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly kubeconfig: PooledKubeConfig;
}

/**
 * One cluster: its credentials, read again when their file changes or the API server no longer takes them, and its pool
 * of connections. Makes no connection before the first call.
 */
export class ClusterConnection {
  private loaded: { readonly api: Api; readonly stamp: string | undefined } | undefined;
  private loading: Promise<Api> | undefined;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  private reloadedAtMs = Number.NEGATIVE_INFINITY;
  private reloads = 0;
  private lastFailure: ApiFailure['failure'] | undefined;
  private closed = false;

  constructor(
    readonly settings: ClusterSettings,
    private readonly deps: {
      readonly log: ClusterLog;
      readonly limits: RetryLimits;
      /** Told of each try of a generated call. */
      readonly took: TookNote;
    },
  ) {}

  /** Makes a call. A 401 is answered by reading the credentials again and asking once more. Other errors are bugs. */
  async call<T>(request: (api: Api) => Promise<T>): Promise<T | ApiFailure> {
    const { reloads } = this;
    const first = await this.attempt(request);
    if (!isApiFailure(first) || !isUnauthorized(first)) return this.noted(first);
    // Another call may have thrown the same credentials away while this one was under way.
    if (reloads === this.reloads) {
      if (!this.mayReload()) return this.noted(first);
      this.forget();
    }
    return this.noted(await this.attempt(request));
  }

  /** What the generated calls do not make: a request with credentials and its pool attached. */
  async request(path: string, pool: 'watches' | 'logs'): Promise<RequestContext | ApiFailure> {
    return this.attempt(async ({ kubeconfig }) => {
      const server = new URL(kubeconfig.getCurrentCluster()?.server ?? '');
      const context = new RequestContext(addressOf(server) + path, HttpMethod.GET);
      context.setHeaderParam('Accept', 'application/json');
      await kubeconfig.applyTo(context, pool);
      return context;
    });
  }

  /** Address and credentials of a WebSocket to this cluster. */
  async webSocket(
    path: string,
  ): Promise<{ readonly url: URL; readonly options: ClientOptions } | ApiFailure> {
    return this.attempt(async ({ kubeconfig }) => {
      const { server, options } = await kubeconfig.webSocketOptions();
      const url = new URL(addressOf(server) + path);
      url.protocol = server.protocol === 'http:' ? 'ws:' : 'wss:';
      return { url, options };
    });
  }

  /** Cuts all connections. Calls under way fail; those made later too. */
  async close(): Promise<void> {
    this.closed = true;
    const api = this.loaded?.api ?? (await this.loading?.catch(() => undefined));
    this.loaded = undefined;
    await api?.kubeconfig.destroy();
  }

  private async attempt<T>(request: (api: Api) => Promise<T>): Promise<T | ApiFailure> {
    try {
      return await request(await this.api());
    } catch (error) {
      if (error instanceof ApiFailureError) return error.failure;
      // JSON that is none, or none of what was asked for: not Kubernetes, whoever it is. client-node's deserializer
      // trips over such with a TypeError; what is called here does nothing else that could.
      if (UNREADABLE.some((kind) => error instanceof kind)) {
        return { failure: 'unreadable', definite: false, cause: error };
      }
      throw error;
    }
  }

  private async api(): Promise<Api> {
    if (this.closed) throw misconfigured(new Error('the broker is closing'));
    if (this.loaded && !(await this.fileChanged(this.loaded.stamp))) return this.loaded.api;
    this.loading ??= this.load().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  private async fileChanged(stamp: string | undefined): Promise<boolean> {
    const { kubeconfig } = this.settings;
    if (kubeconfig === undefined || performance.now() - this.lookedAtMs < LOOK_AT_FILE_MS)
      return false;
    this.lookedAtMs = performance.now();
    const now = await fileStamp(kubeconfig);
    // A file that is gone for a moment is being replaced: what was read holds on.
    return now !== undefined && now !== stamp;
  }

  private async load(): Promise<Api> {
    const before = this.loaded;
    const { kubeconfig: path } = this.settings;
    try {
      const stamp = path === undefined ? undefined : await fileStamp(path);
      const kubeconfig = await loadKubeconfig(this.settings);
      const api = this.apiOf(kubeconfig);
      this.loaded = { api, stamp };
      this.lookedAtMs = performance.now();
      if (before) this.deps.log.info({ cluster: this.settings.name }, 'credentials read again');
      return api;
    } catch (cause) {
      if (!before) throw misconfigured(cause);
      this.deps.log.warn(
        { cluster: this.settings.name, err: cause },
        'a changed kubeconfig cannot be used; the one before is kept',
      );
      return before.api;
    }
  }

  private apiOf(kubeconfig: PooledKubeConfig): Api {
    const configuration = createConfiguration({
      baseServer: new ServerConfiguration(kubeconfig.getCurrentCluster()?.server ?? '', {}),
      authMethods: { default: kubeconfig },
      httpApi: wrapHttpLibrary(new ResilientHttp(this.deps.limits, this.deps.took)),
    });
    return {
      core: new CoreV1Api(configuration),
      apps: new AppsV1Api(configuration),
      batch: new BatchV1Api(configuration),
      kubeconfig,
    };
  }

  private mayReload(): boolean {
    return performance.now() - this.reloadedAtMs >= RELOAD_MS;
  }

  /** What is under way on the connections of before may go on; once idle, they close by themselves. */
  private forget(): void {
    this.reloads++;
    this.reloadedAtMs = performance.now();
    this.loaded = undefined;
  }

  /** Says so once when a cluster stops answering, and once when it answers again. */
  private noted<T>(result: T | ApiFailure): T | ApiFailure {
    const failure = isApiFailure(result) && result.failure !== 'refused' ? result : undefined;
    if (failure?.failure === this.lastFailure) return result;
    const facts = { cluster: this.settings.name };
    if (failure) {
      this.deps.log.warn(
        { ...facts, failure: failure.failure, err: 'cause' in failure ? failure.cause : undefined },
        'the cluster does not answer',
      );
    } else {
      this.deps.log.info(facts, 'the cluster answers again');
    }
    this.lastFailure = failure?.failure;
    return result;
  }
}

/** API servers may live under a path (Rancher's do). */
function addressOf({ origin, pathname }: URL): string {
  return origin + pathname.replace(/\/+$/, '');
}

function isUnauthorized(failure: ApiFailure): boolean {
  return failure.failure === 'refused' && failure.httpStatus === 401;
}

function misconfigured(cause: unknown): ApiFailureError {
  return new ApiFailureError({ failure: 'misconfigured', definite: true, cause });
}
