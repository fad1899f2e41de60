import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../app/ports/clock.js';
import type { FetchBounds } from '../net/json.fetch.js';
import { fetchJson } from '../net/json.fetch.js';
import type { IssuerSettings } from './identity.settings.js';
import type { SigningKey } from './key.set.js';
import { chooseKey, parseKeySet } from './key.set.js';
import type { SigningAlgorithm } from './signing.algorithms.js';

/** The part of an OpenID provider's metadata that is used (OpenID Connect Discovery 1.0 §3). */
const ProviderMetadata = z.object({ issuer: z.string(), jwks_uri: z.string() });

const FETCH_TIMEOUT_MS = 5_000;
/** Far above what issuers publish (a few keys of 2 kB), far below what would hurt. */
const FETCH_BYTES_MAX = 262_144;

/** Keys are looked at again after this long, so that one the issuer withdrew stops being accepted. */
const FRESH_MS = 10 * 60_000;
/** How long keys are believed while the issuer cannot be reached. Its tokens live far shorter than that. */
const KEPT_MS = 24 * 3_600_000;

export interface KeyWanted {
  readonly kid?: string | undefined;
  readonly alg: SigningAlgorithm;
}

/** `unavailable`: the answer may be different when the issuer can be reached again. */
export type KeyAnswer =
  | { readonly kind: 'key'; readonly key: KeyObject }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unfit' }
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number; readonly cause: unknown };

export interface IssuerKeysOptions {
  readonly clock: Clock;
  /** At most one fetch for an unknown key id, and one after a failure, in this long. */
  readonly refetchIntervalSeconds: number;
  /** Told of each fetch that failed, whether or not somebody waits for it. */
  readonly onFetchFailed: (issuer: string, cause: unknown) => void;
}

/**
 * The public keys of one issuer. Fetched when first needed and parsed once; fetched again when a token names a key
 * that is not among them, and in the background when they are ten minutes old. Concurrent callers share one fetch.
 * While the issuer cannot be reached the last good keys stay in use, for a day at most.
 */
export class IssuerKeys {
  #good: { readonly keys: readonly SigningKey[]; readonly fetchedAtMs: number } | undefined;
  #failure: { readonly cause: unknown } | undefined;
  #fetching: Promise<void> | undefined;
  #restSinceMs: number | undefined;

  constructor(
    private readonly issuer: Pick<IssuerSettings, 'issuer' | 'jwksUri'>,
    private readonly options: IssuerKeysOptions,
  ) {}

  /** Answers from memory when it can. Rejects never. */
  async find(wanted: KeyWanted): Promise<KeyAnswer> {
    const ageMs = this.#good === undefined ? KEPT_MS : this.#nowMs() - this.#good.fetchedAtMs;
    if (ageMs >= KEPT_MS) {
      this.#good = undefined;
      await this.#fetchSoon();
      return this.#conclude(this.#choose(wanted));
    }
    if (ageMs >= FRESH_MS) void this.#fetchSoon();
    const remembered = this.#choose(wanted);
    if (remembered.kind !== 'unknown') return remembered;
    await this.#fetchSoon();
    return this.#conclude(this.#choose(wanted));
  }

  #choose(wanted: KeyWanted): Exclude<KeyAnswer, { kind: 'unavailable' }> {
    return chooseKey(this.#good?.keys ?? [], wanted);
  }

  /** An unreachable issuer may have made the key a moment ago: that is not the caller's fault. */
  #conclude(choice: Exclude<KeyAnswer, { kind: 'unavailable' }>): KeyAnswer {
    if (choice.kind !== 'unknown' || this.#failure === undefined) return choice;
    const retryAfterSeconds = Math.max(1, Math.ceil(this.#restMs() / 1000));
    return { kind: 'unavailable', retryAfterSeconds, cause: this.#failure.cause };
  }

  /** Joins the fetch under way, starts one, or does nothing when the last one was too recent. Rejects never. */
  #fetchSoon(): Promise<void> {
    if (this.#fetching) return this.#fetching;
    if (this.#restMs() > 0) return Promise.resolve();
    // the first fetch of all is free: a key that is new right after start-up must not wait for the interval
    const isRefetch = this.#good !== undefined;
    this.#fetching = this.#fetch()
      .then(
        (keys) => {
          this.#good = { keys, fetchedAtMs: this.#nowMs() };
          this.#failure = undefined;
          if (isRefetch) this.#restUntilNext();
        },
        (cause: unknown) => {
          this.#failure = { cause };
          this.#restUntilNext();
          this.options.onFetchFailed(this.issuer.issuer, cause);
        },
      )
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #fetch(): Promise<readonly SigningKey[]> {
    const bounds = { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), bytesMax: FETCH_BYTES_MAX };
    return parseKeySet(await fetchJson(await this.#keysAddress(bounds), bounds));
  }

  async #keysAddress(bounds: FetchBounds): Promise<string> {
    const { issuer, jwksUri } = this.issuer;
    if (jwksUri !== undefined) return jwksUri;
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const metadata = ProviderMetadata.parse(await fetchJson(address, bounds));
    // OpenID Connect Discovery 1.0 §4.3: the two MUST be identical
    if (metadata.issuer !== issuer) throw new Error(`${address} speaks for ${metadata.issuer}`);
    if (issuer.startsWith('https:') && !metadata.jwks_uri.startsWith('https:')) {
      throw new Error(`${address} leads from https to ${metadata.jwks_uri}`);
    }
    return metadata.jwks_uri;
  }

  #restUntilNext(): void {
    this.#restSinceMs = this.#nowMs();
  }

  /** How long until the next fetch is due, in milliseconds; 0 or less: now. */
  #restMs(): number {
    if (this.#restSinceMs === undefined) return 0;
    const restedMs = this.#nowMs() - this.#restSinceMs;
    // a clock that was set back must not make it rest for longer
    return restedMs < 0 ? 0 : this.options.refetchIntervalSeconds * 1000 - restedMs;
  }

  #nowMs(): number {
    return this.options.clock.now().getTime();
  }
}
