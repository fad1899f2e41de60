/** What is left of a limit. */
export interface Standing {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly left: number;
  /** When there is all of it again. */
  readonly fullInSeconds: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * So many a window for each key, in any order: a bucket that fills evenly. Keeps a bounded number of keys; the one that
 * was not heard of for longest is forgotten, and begins anew.
 */
export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly parts: {
      readonly name: string;
      readonly quota: number;
      readonly windowMs: number;
      readonly keysMax: number;
      readonly nowMs: () => number;
    },
  ) {}

  get name(): string {
    return this.parts.name;
  }

  /** How many keys are kept in mind. */
  get size(): number {
    return this.buckets.size;
  }

  /** How long it takes until one may be taken: 0, it may be now. */
  waitMs(key: string): number {
    const { quota, windowMs } = this.parts;
    return Math.max(0, (1 - this.tokens(key)) * (windowMs / quota));
  }

  /** Takes one, whether there is one or not. */
  take(key: string): void {
    const tokens = this.tokens(key) - 1;
    // The last in a map is the newest.
    this.buckets.delete(key);
    this.buckets.set(key, { tokens, atMs: this.parts.nowMs() });
    for (const oldest of this.buckets.keys()) {
      if (this.buckets.size <= this.parts.keysMax) break;
      this.buckets.delete(oldest);
    }
  }

  standing(key: string): Standing {
    const { name, quota, windowMs } = this.parts;
    const tokens = this.tokens(key);
    return {
      name,
      quota,
      windowSeconds: windowMs / 1000,
      left: Math.max(0, Math.floor(tokens)),
      fullInSeconds: Math.ceil(((quota - tokens) * windowMs) / quota / 1000),
    };
  }

  private tokens(key: string): number {
    const { quota, windowMs, nowMs } = this.parts;
    const bucket = this.buckets.get(key);
    if (!bucket) return quota;
    return Math.min(quota, bucket.tokens + ((nowMs() - bucket.atMs) * quota) / windowMs);
  }
}
