import type { RequestOptions } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import type { RequestContext } from '@kubernetes/client-node';
import { Agent, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { ClientOptions } from 'ws';
import { ApiFailureError } from './api.failure.js';
import { CredentialPlugin } from './credential.plugin.js';
import { sharedLookup } from './shared.lookup.js';

/** A server behind a silent network must not hold a call for longer than this. */
const CONNECT_MS = 3_000;
/** Nor a plugin that gets credentials from elsewhere. */
const PLUGIN_MS = 5_000;
/** Idle connections are given up well before API servers and most load balancers do it (60 s and more). */
const IDLE_MS = 30_000;

/**
 * A watch, or a log, takes its connection with it when it is left. undici fills the place of a closed connection before
 * it uses one that is open, so in one pool the next call would wait for a TLS handshake.
 */
export type Pool = 'calls' | 'watches' | 'logs';
type Pools = Readonly<Record<Pool, Dispatcher>>;

interface Prepared {
  readonly options: RequestOptions;
  readonly pools: Pools | undefined;
}

/** How long an answer may pause; 0: for ever. The API server says something on a watch each minute, a log may say nothing. */
const SILENT_MS: Readonly<Record<Pool, number>> = { calls: 300_000, watches: 300_000, logs: 0 };

/**
 * client-node's KubeConfig with pools of connections. client-node 2.0.1 makes a new dispatcher, and so a new TLS
 * connection, for every request; the pools here are kept until certificates or addresses change.
 */
export class PooledKubeConfig extends KubeConfig {
  private kept: { readonly key: string; readonly pools: Pools } | undefined;
  /** A context of TLS takes 34 kB and a tenth of a millisecond: each WebSocket would make one of its own. */
  private trusted: { readonly key: string; readonly context: SecureContext } | undefined;

  private preparing: Promise<Prepared> | undefined;
  private readonly plugin = new CredentialPlugin(PLUGIN_MS);

  constructor() {
    super();
    this.addAuthenticator(this.plugin);
  }

  override applySecurityAuthentication(context: RequestContext): Promise<void> {
    return this.applyTo(context, 'calls');
  }

  /** Credentials for a request, and the pool it goes through. */
  async applyTo(context: RequestContext, pool: Pool): Promise<void> {
    const { options, pools } = await this.prepare();
    if (pools) context.setDispatcher(pools[pool]);
    // A SOCKS proxy: client-node's connector for it cannot be had apart, so these requests do without the pool.
    else await readied(() => inTime(super.applySecurityAuthentication(context)));
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      context.setHeaderParam(name, String(value));
    }
    if (typeof options.auth === 'string') {
      const basic = Buffer.from(options.auth).toString('base64');
      context.setHeaderParam('Authorization', `Basic ${basic}`);
    }
  }

  /** What a WebSocket to this cluster needs: its address, credentials and trust. */
  async webSocketOptions(): Promise<{ readonly server: URL; readonly options: ClientOptions }> {
    const { options } = await this.prepare();
    const { agent, rejectUnauthorized, servername, headers, auth } = options;
    const cluster = this.getCurrentCluster();
    // What comes through a proxy's agent has the certificates from there as well.
    const trust = cluster?.proxyUrl
      ? certificatesOf(options)
      : { secureContext: this.contextOf(certificatesOf(options)) };
    return {
      server: new URL(cluster?.server ?? ''),
      options: Object.fromEntries(
        Object.entries({
          // client-node keeps its agent's certificates for good, so only a proxy is worth having it.
          agent: cluster?.proxyUrl ? agent : undefined,
          ...{ ...trust, rejectUnauthorized, servername, headers, auth, lookup: sharedLookup },
        }).filter(([, value]) => value !== undefined && value !== null),
      ),
    };
  }

  /** Goes on with the connections of the credentials before, where they are to the same server with the same trust. */
  inherit(before: PooledKubeConfig): void {
    this.kept = before.kept;
    this.trusted = before.trusted;
    this.plugin.follow(before.plugin);
  }

  /** Cuts every connection of the pools. */
  async destroy(): Promise<void> {
    const pools = Object.values(this.kept?.pools ?? {});
    this.kept = undefined;
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  /** Those who ask at the same time are given the same: a credential plugin is a process, and one is enough. */
  private prepare(): Promise<Prepared> {
    this.preparing ??= this.prepareNow().finally(() => {
      this.preparing = undefined;
    });
    return this.preparing;
  }

  private prepareNow(): Promise<Prepared> {
    return readied(async () => {
      const options: RequestOptions = {};
      await inTime(this.applyToHTTPSOptions(options));
      options.headers = fitHeaders(options.headers ?? {});
      return { options, pools: this.poolsFor(options) };
    });
  }

  private contextOf(certificates: Certificates): SecureContext {
    const key = Object.values(certificates).map(String).join();
    if (this.trusted?.key === key) return this.trusted.context;
    try {
      const context = createSecureContext(present(certificates));
      this.trusted = { key, context };
      return context;
    } catch (cause) {
      throw new ApiFailureError({ failure: 'misconfigured', definite: true, cause });
    }
  }

  private poolsFor(options: RequestOptions): Pools | undefined {
    const { rejectUnauthorized, servername } = options;
    const cluster = this.getCurrentCluster();
    const trust = present({ ...certificatesOf(options), rejectUnauthorized, servername });
    const wanted = this.createDispatcherOptions(cluster, trust);
    if (wanted.type === 'socks') return undefined;
    const poolKey = [cluster?.server, cluster?.proxyUrl, ...Object.values(trust)]
      .map(String)
      .join();
    // A pool that is left has requests under way, perhaps; its idle connections close by themselves.
    if (this.kept?.key !== poolKey) {
      const proxy = wanted.type === 'proxy' ? wanted.uri : undefined;
      const poolOf = (pool: Pool) => makeDispatcher(trust, proxy, SILENT_MS[pool]);
      const pools = { calls: poolOf('calls'), watches: poolOf('watches'), logs: poolOf('logs') };
      this.kept = { key: poolKey, pools };
    }
    return this.kept.pools;
  }
}

type Certificates = Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'pfx' | 'passphrase'>;

function certificatesOf({ ca, cert, key, pfx, passphrase }: RequestOptions): Certificates {
  return { ca, cert, key, pfx, passphrase };
}

type Trust = Pick<
  RequestOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'rejectUnauthorized' | 'servername'
>;

function makeDispatcher(trust: Trust, proxy: string | undefined, bodyTimeout: number): Dispatcher {
  // One HTTP/2 connection for all would die, or hang half open, with everything on it; HTTP/1.1 ones fail one by one.
  const idle = { keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS };
  const pool = { allowH2: false, bodyTimeout, ...idle };
  const connect = {
    ...{ timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: IDLE_MS },
    lookup: sharedLookup,
  };
  return proxy === undefined
    ? new Agent({ ...pool, connect: { ...trust, ...connect } })
    : new ProxyAgent({ ...pool, uri: proxy, requestTls: trust, connect });
}

/** What client-node left out is absent, not undefined: Node's TLS takes an undefined `rejectUnauthorized` for "no". */
function present(trust: { [K in keyof Trust]: Trust[K] | undefined }): Trust {
  return Object.fromEntries(
    Object.entries(trust).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** Tokens are read from files that people edit: a line end is cut off, and what no header can hold is never quoted. */
function fitHeaders(headers: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, given]) => {
      const value = String(given).trim();
      if (!fitsHeader(value)) {
        throw new Error(
          `the credentials make a "${name}" header with characters that no header can hold`,
        );
      }
      return [name, value];
    }),
  );
}

/** @throws ApiFailureError where credentials cannot be had, as of a plugin that fails: nothing was sent. */
async function readied<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ApiFailureError({ failure: 'misconfigured', definite: true, cause });
  }
}

async function inTime(work: Promise<void>): Promise<void> {
  const tooLate = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => tooLate.reject(new Error('the credentials cannot be had in time')),
    PLUGIN_MS,
  );
  await Promise.race([work, tooLate.promise]).finally(() => clearTimeout(timer));
}

/** Whether a header can hold it (RFC 9110 §5.5). */
export function fitsHeader(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value.trim());
}
