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
import type { CallSpans } from './call.spans.js';
import type { ClusterLog, ClusterSettings } from './cluster.settings.js';
import { ClusterCredentials } from './cluster.credentials.js';
import { HealthRecord } from './health.record.js';
import type { Pool, PooledKubeConfig } from './pooled.kubeconfig.js';
import type { TookNote } from './resilient.http.js';
import { ResilientHttp } from './resilient.http.js';
import type { RetryLimits } from './retry.policy.js';

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
  readonly health: HealthRecord;
  private readonly credentials: ClusterCredentials;
  private made: Api | undefined;
  private lastFailure: ApiFailure['failure'] | undefined;

  constructor(
    readonly settings: ClusterSettings,
    readonly log: ClusterLog,
    private readonly limits: RetryLimits,
    private readonly told: {
      /** Told of each call. */
      readonly calls: CallSpans;
      /** Told of each try of one that is generated. */
      readonly took: TookNote;
    },
  ) {
    this.health = new HealthRecord(settings.name, log, () => this.credentials.state());
    this.credentials = new ClusterCredentials(settings, log, () => this.health.renewed());
  }

  get calls(): CallSpans {
    return this.told.calls;
  }

  /** Makes a call. A 401 is answered by reading the credentials again and asking once more. Other errors are bugs. */
  async call<T>(request: (api: Api) => Promise<T>): Promise<T | ApiFailure> {
    return this.noted(await this.quietly(request));
  }

  /** The same, without a word to the log where there is no answer. */
  async quietly<T>(request: (api: Api) => Promise<T>): Promise<T | ApiFailure> {
    const beganMs = performance.now();
    const first = await this.attempt(request);
    if (!isApiFailure(first) || !isUnauthorized(first)) return first;
    return (await this.credentials.renew(beganMs)) ? this.attempt(request) : first;
  }

  /** Looks whether the credentials are new ones, as each call does. */
  async refresh(): Promise<void> {
    await this.credentials.current().catch(() => undefined);
  }

  /** What the generated calls do not make: a request with credentials and its pool attached. */
  async request(path: string, pool: Pool): Promise<RequestContext | ApiFailure> {
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
  close(): Promise<void> {
    return this.credentials.close();
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
    const kubeconfig = await this.credentials.current();
    if (this.made?.kubeconfig !== kubeconfig) this.made = this.apiOf(kubeconfig);
    return this.made;
  }

  private apiOf(kubeconfig: PooledKubeConfig): Api {
    const configuration = createConfiguration({
      baseServer: new ServerConfiguration(kubeconfig.getCurrentCluster()?.server ?? '', {}),
      authMethods: { default: kubeconfig },
      httpApi: wrapHttpLibrary(
        new ResilientHttp(this.limits, {
          ...this.told,
          heard: (outcome) => this.health.heard(outcome),
        }),
      ),
    });
    return {
      core: new CoreV1Api(configuration),
      apps: new AppsV1Api(configuration),
      batch: new BatchV1Api(configuration),
      kubeconfig,
    };
  }

  /** Says so once when a cluster stops answering, and once when it answers again. */
  private noted<T>(result: T | ApiFailure): T | ApiFailure {
    if (isApiFailure(result)) this.health.heard(result);
    const failure = isApiFailure(result) && result.failure !== 'refused' ? result : undefined;
    if (failure?.failure === this.lastFailure) return result;
    const facts = { cluster: this.settings.name };
    if (failure) {
      this.log.warn(
        { ...facts, failure: failure.failure, err: 'cause' in failure ? failure.cause : undefined },
        'the cluster does not answer',
      );
    } else {
      this.log.info(facts, 'the cluster answers again');
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
