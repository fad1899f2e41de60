import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../config/secret.js';

/** Slack's clock and ours may differ by so much; a request that is older, or from further ahead, is refused. */
const SKEW_SECONDS_MAX = 300;
/** So many signatures are remembered. With more in the time, the oldest are forgotten first. */
const REMEMBERED_MAX = 10_000;

export interface SignedRequest {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** The bytes as they came. */
  readonly body: Uint8Array;
}

/**
 * Whether a request comes from Slack (https://docs.slack.dev/authentication/verifying-requests-from-slack): signed by our
 * secret, over these very bytes, at this time, and not seen by this replica before. What another replica saw is seen
 * again here: that has no second effect, as decisions name the version that was seen, and requests their key.
 */
export class SlackSignature {
  private readonly seen = new Map<string, number>();

  /** Throws where the secret is empty: anybody could sign. */
  constructor(private readonly secret: Secret) {
    if (secret.reveal().trim() === '') throw new Error('the signing secret of Slack is empty');
  }

  /** @returns why it is not believed, for the log; undefined where it is. */
  fault({ timestamp = '', signature = '', body }: SignedRequest, now: Date): string | undefined {
    if (!/^\d{9,11}$/.test(timestamp)) return 'it has no time';
    const nowSeconds = Math.floor(now.getTime() / 1000);
    const ageSeconds = nowSeconds - Number(timestamp);
    if (ageSeconds > SKEW_SECONDS_MAX) return 'it is too old';
    if (ageSeconds < -SKEW_SECONDS_MAX) return 'it is from the future';
    if (!/^v0=[0-9a-f]{64}$/.test(signature)) return 'it has no signature';
    const wanted = createHmac('sha256', this.secret.reveal())
      .update(`v0:${timestamp}:`)
      .update(body)
      .digest();
    if (!timingSafeEqual(wanted, Buffer.from(signature.slice(3), 'hex'))) {
      return 'its signature is wrong';
    }
    return this.isNew(signature, nowSeconds) ? undefined : 'it came before';
  }

  private isNew(signature: string, nowSeconds: number): boolean {
    for (const [known, at] of this.seen) {
      const isOver = nowSeconds - at > 2 * SKEW_SECONDS_MAX || this.seen.size >= REMEMBERED_MAX;
      if (!isOver) break;
      this.seen.delete(known);
    }
    if (this.seen.has(signature)) return false;
    this.seen.set(signature, nowSeconds);
    return true;
  }
}
