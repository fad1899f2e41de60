import { ResponseContext } from '@kubernetes/client-node';
import type {
  ClusterHealth,
  CredentialsState,
  Known,
  TroubleKind,
} from '../../domain/cluster.health.js';
import { answered, failed, TROUBLES, UNKNOWN } from '../../domain/cluster.health.js';
import type { PodSubresources, ServerVersion } from '../../domain/cluster.support.js';
import { whyUnsupported } from '../../domain/cluster.support.js';
import type { ApiFailure } from './api.failure.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterLog } from './cluster.settings.js';
import { troubleOf } from './trouble.reader.js';

/**
 * How one cluster is, as far as this replica knows: by all that its calls come to, and by the probes that are made where
 * there are none. A call that works shows that it is well; that it is not, probes alone show, since calls fail for
 * reasons of their own.
 */
export class HealthRecord {
  private known: Known = UNKNOWN;
  private doubted = new AbortController();
  private doubtedMs = Number.NEGATIVE_INFINITY;
  /** Newer credentials were read than those that it did not answer to. */
  private isWorthATry = false;
  private renewedMs = Number.NEGATIVE_INFINITY;
  private answeredMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly name: string,
    private readonly log: ClusterLog,
    private readonly credentials: () => CredentialsState,
  ) {}

  state(): ClusterHealth {
    return { name: this.name, ...this.known, credentials: this.credentials() };
  }

  /** Whether calls would be in vain for all that is known. */
  get isAway(): boolean {
    const { state, trouble } = this.known;
    // Those answer at once, and with more to say.
    const isTold = trouble === 'unauthorized' || trouble === 'no-credentials';
    return state === 'unreachable' && !isTold && !this.isWorthATry;
  }

  /** Aborts when there is reason to probe now. */
  get doubt(): AbortSignal {
    return this.doubted.signal;
  }

  /** What came of a request that was made for its own sake. */
  heard(outcome: ResponseContext | ApiFailure): void {
    const trouble = isApiFailure(outcome) ? troubleOf(outcome) : undefined;
    if (trouble === undefined) this.answers();
    else this.doubts();
  }

  /**
   * It was asked for what every cluster answers.
   *
   * @param beganMs since when (`performance.now()`): what came to be doubted or known meanwhile is not settled by it.
   */
  probed(outcome: 'answered' | TroubleKind, beganMs = performance.now()): void {
    if (this.doubtedMs <= beganMs) this.doubted = new AbortController();
    if (this.renewedMs <= beganMs) this.isWorthATry = false;
    if (outcome === 'answered') this.answers();
    // Something was answered while it was on its way: it says nothing of now.
    else if (this.answeredMs <= beganMs) this.fails(outcome);
  }

  /** Newer credentials are there: what was known to be in vain may not be any more. */
  renewed(): void {
    this.isWorthATry = true;
    this.renewedMs = performance.now();
    this.doubts();
  }

  /** What it says of itself; undefined where it would not say. */
  found(version: ServerVersion | undefined, subresources: PodSubresources | undefined): void {
    const unsupported = whyUnsupported(version, subresources);
    if (unsupported !== null && unsupported !== this.known.unsupported) {
      this.log.error({ cluster: this.name, unsupported }, 'a cluster can have no sessions');
    }
    this.known = { ...this.known, version: version?.gitVersion ?? null, unsupported };
  }

  private doubts(): void {
    this.doubtedMs = performance.now();
    this.doubted.abort();
  }

  private answers(): void {
    this.answeredMs = performance.now();
    const before = this.known;
    this.known = answered(before, new Date());
    this.isWorthATry = false;
    if (before.state !== 'unreachable') return;
    const { name } = this;
    this.log.info({ cluster: name, awaySince: before.since }, 'a cluster can be reached again');
  }

  private fails(trouble: TroubleKind): void {
    const before = this.known;
    this.known = failed(before, trouble, new Date());
    if (before.trouble === trouble) return;
    const { what, advice } = TROUBLES[trouble];
    this.log.warn(
      { cluster: this.name, trouble },
      `a cluster cannot be reached: it ${what}. ${advice}`,
    );
  }
}
