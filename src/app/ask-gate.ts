import { countedAddress } from '../domain/counted-address.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { RateLimiter } from './rate.limiter.js';
import type { Standing } from './rate.limiter.js';

/** How often may be asked in a minute, on one replica. */
export interface AskRates {
  readonly person: number;
  readonly address: number;
  readonly all: number;
}

const MINUTE_MS = 60_000;
/** People and addresses that are kept in mind; who was not heard of for longest is forgotten first. */
const KEYS_MAX = 10_000;
/** Asks under way at once: a cluster that answers slowly keeps its own waiting, and no more than so many. */
const UNDER_WAY_MAX = 200;
const UNDER_WAY_OF_CLUSTER_MAX = 50;
/** So many are let in to every cluster, however much of the rest is taken up by others that answer slowly. */
const UNDER_WAY_OF_CLUSTER_KEPT = 5;
const BUSY_RETRY_SECONDS = 5;

/** Whether this replica has more to do than it can, in words for the log; undefined where it has not. */
export type Pressure = () => string | undefined;

/** Lets asks for sessions in, as many as may be and as can be borne. What ends sessions never comes by here. */
export class AskGate {
  private readonly people: RateLimiter;
  private readonly addresses: RateLimiter;
  private readonly all: RateLimiter;
  private readonly underWay = new Map<string, number>();

  constructor(
    rates: AskRates,
    private readonly pressure: Pressure = () => undefined,
    nowMs: () => number = () => performance.now(),
  ) {
    const limiter = (name: string, quota: number, keysMax: number): RateLimiter =>
      new RateLimiter({ name, quota, windowMs: MINUTE_MS, keysMax, nowMs });
    this.people = limiter('person', rates.person, KEYS_MAX);
    this.addresses = limiter('address', rates.address, KEYS_MAX);
    this.all = limiter('all', rates.all, 1);
  }

  /**
   * A place for one ask, to be given back when it is done; or why there is none.
   *
   * @param cluster one that there is: each has a place kept. Empty: none was named, or one that is not there.
   */
  enter(caller: Caller, cluster: string): Disposable | Problem {
    const busy = this.busy(cluster);
    if (busy) return busy;
    const limits = this.limitsOf(caller);
    const waits = limits.map(([limiter, key]) => limiter.waitMs(key));
    const longest = Math.max(...waits);
    if (longest > 0) {
      const [limiter] = limits[waits.indexOf(longest)] ?? [this.all];
      return problem('too-many-requests', TOO_OFTEN[limiter.name] ?? '', {
        retryAfterSeconds: Math.ceil(longest / 1000),
      });
    }
    for (const [limiter, key] of limits) limiter.take(key);
    this.count(cluster, 1);
    return { [Symbol.dispose]: () => this.count(cluster, -1) };
  }

  /** What is left to a caller of each limit. */
  standings(caller: Caller): Standing[] {
    return this.limitsOf(caller).map(([limiter, key]) => limiter.standing(key));
  }

  private busy(cluster: string): Problem | undefined {
    const ofCluster = this.underWay.get(cluster) ?? 0;
    if (ofCluster >= UNDER_WAY_OF_CLUSTER_MAX) return slow(cluster);
    const total = [...this.underWay.values()].reduce((sum, count) => sum + count, 0);
    const isFull = total >= UNDER_WAY_MAX && ofCluster >= UNDER_WAY_OF_CLUSTER_KEPT;
    const pressure = isFull ? 'too many asks are under way' : this.pressure();
    if (pressure === undefined) return undefined;
    const detail =
      'What there is to do is more than can be done at once. Sessions that run are not touched by it, and end when they should. Ask again in a moment.';
    return problem('too-busy', detail, {
      retryAfterSeconds: BUSY_RETRY_SECONDS,
      cause: { pressure },
    });
  }

  private limitsOf(caller: Caller): (readonly [RateLimiter, string])[] {
    const { iss, sub } = personOf(caller);
    const { address } = caller.actor;
    return [
      [this.people, JSON.stringify([iss, sub])],
      ...(address === undefined ? [] : [[this.addresses, countedAddress(address)] as const]),
      [this.all, ''],
    ];
  }

  private count(cluster: string, by: 1 | -1): void {
    const count = (this.underWay.get(cluster) ?? 0) + by;
    if (count > 0) this.underWay.set(cluster, count);
    else this.underWay.delete(cluster);
  }
}

const TOO_OFTEN: Readonly<Record<string, string>> = {
  person: 'You have asked for sessions too often in the last minute.',
  address: 'Sessions were asked for from your address too often in the last minute.',
  all: 'Sessions are asked for too often at the moment.',
};

function slow(cluster: string): Problem {
  const where =
    cluster === '' ? 'It takes long to answer' : `Cluster "${cluster}" takes long to answer`;
  return problem(
    'too-busy',
    `${where}, and too many asks wait for that already. Sessions that run are not touched by it, and end when they should. Ask again in a moment.`,
    {
      retryAfterSeconds: BUSY_RETRY_SECONDS,
      cause: { pressure: 'a cluster keeps its askers waiting' },
    },
  );
}
