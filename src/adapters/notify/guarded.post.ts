import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { Agent, request } from 'undici';
import { ChannelAway } from '../../app/ports/channel.js';
import { isPublicAddress } from './public.address.js';

const CONNECT_MS_MAX = 5_000;
const ANSWER_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 16 * 1024;

/** What a receiver said. */
export interface PostAnswer {
  readonly status: number;
  /** How long it asks to be left alone. */
  readonly afterMs?: number;
}

/** The receiver is at an address where nobody of the configuration's may be. */
class NotPublic extends Error {}

/**
 * POSTs JSON to one address. Unless `allowPrivate`, only addresses of the public Internet are dialled: what the name is
 * resolved to is looked at and then dialled itself, so that a name cannot become another one in between. Follows no redirect.
 */
export class GuardedPost {
  private readonly agent: Agent;

  constructor(
    /** Asked for with each use. */
    private readonly url: () => string,
    private readonly options: {
      readonly allowPrivate: boolean;
      readonly caPem: string | null;
      /** For trials: how names are resolved. */
      readonly lookup?: LookupFunction;
    },
  ) {
    const { allowPrivate, caPem, lookup: resolve = systemLookup } = options;
    this.agent = new Agent({
      connections: 1,
      connect: {
        timeout: CONNECT_MS_MAX,
        lookup: allowPrivate ? resolve : guarded(resolve),
        ...(caPem === null ? {} : { ca: caPem }),
      },
      headersTimeout: ANSWER_MS_MAX,
      bodyTimeout: ANSWER_MS_MAX,
    });
  }

  /** Throws a {@link ChannelAway} where nobody answers, or nobody may be asked. */
  async post(
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<PostAnswer> {
    this.checkLiteral();
    try {
      const answer = await request(this.url(), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'hallpass', ...headers },
        body,
        signal,
        dispatcher: this.agent,
      });
      await answer.body.dump({ limit: ANSWER_BYTES_MAX });
      const afterMs = retryAfterMs(answer.headers['retry-after'], Date.now());
      return { status: answer.statusCode, ...(afterMs === undefined ? {} : { afterMs }) };
    } catch (error) {
      if (isNotPublic(error)) throw notAllowed();
      throw new ChannelAway('the receiver does not answer', undefined, error);
    }
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }

  /** Addresses that are written out are not resolved. */
  private checkLiteral(): void {
    const host = new URL(this.url()).hostname.replace(/^\[(.*)\]$/, '$1');
    if (!this.options.allowPrivate && isIP(host) !== 0 && !isPublicAddress(host)) {
      throw notAllowed();
    }
  }
}

/** Throws a {@link ChannelAway}: what was answered may be another thing later. */
export function away({ status, afterMs }: PostAnswer): never {
  throw new ChannelAway(`the receiver answered ${status}`, afterMs);
}

export function isTaken({ status }: PostAnswer): boolean {
  return status >= 200 && status < 300;
}

/** `Retry-After` (RFC 9110 §10.2.3): seconds, or an instant. Undefined where it is neither. */
export function retryAfterMs(
  header: string | readonly string[] | undefined,
  nowMs: number,
): number | undefined {
  if (typeof header !== 'string') return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

const systemLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => callback(error, addresses));
};

/** Resolves with `resolve`; one address that is not public spoils the name. */
function guarded(resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : [];
      if (error || addresses.every(({ address }) => isPublicAddress(address))) {
        callback(error, addresses);
      } else {
        callback(new NotPublic('not a public address'), []);
      }
    });
  };
}

function notAllowed(): ChannelAway {
  return new ChannelAway('its address is not of the public Internet, and allowPrivate is not set');
}

function isNotPublic(error: unknown): boolean {
  return error instanceof Error && (error instanceof NotPublic || isNotPublic(error.cause));
}
