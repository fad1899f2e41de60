import type { Clock } from '../../app/ports/clock.js';
import type { OnCallSource } from '../../domain/policy/on-call-source.js';
import { FetchFailed } from '../net/json.fetch.js';
import type { Shift } from './on-call.shift.js';
import { UnusableAnswer } from './on-call.shift.js';

/** How long a source that failed is left alone: until then nobody waits for its time limit. */
const BACK_OFF_MS = 5_000;

export interface ShiftCacheOptions {
  readonly times: Pick<OnCallSource, 'maxAgeSeconds' | 'staleForSeconds'>;
  readonly clock: Clock;
  /** Throws a {@link FetchFailed} or an {@link UnusableAnswer} when there is no answer. */
  readonly ask: () => Promise<readonly Shift[]>;
  /** Told when asking begins to fail, fails for another reason (in a few words), and when it works again (null). */
  readonly onChange: (error: string | null) => void;
}

/**
 * What one source answered last. An answer is used for `maxAgeSeconds`; then the source is asked again, once for all
 * who wait. While that fails, at most every five seconds, the answer stays in use until it is `staleForSeconds` old.
 */
export class ShiftCache {
  #good: { readonly shifts: readonly Shift[]; readonly answeredAtMs: number } | undefined;
  #failure: { readonly error: string; readonly failedAtMs: number } | undefined;
  #asking: Promise<void> | undefined;

  constructor(private readonly options: ShiftCacheOptions) {}

  /** Undefined where no answer may be used. */
  async shifts(): Promise<readonly Shift[] | undefined> {
    const { maxAgeSeconds, staleForSeconds } = this.options.times;
    if (this.#goodAgeMs() >= maxAgeSeconds * 1000) await this.#askSoon();
    return this.#goodAgeMs() <= staleForSeconds * 1000 ? this.#good?.shifts : undefined;
  }

  state(): { readonly lastSuccessAt: Date | null; readonly lastError: string | null } {
    return {
      lastSuccessAt: this.#good === undefined ? null : new Date(this.#good.answeredAtMs),
      lastError: this.#failure?.error ?? null,
    };
  }

  /** Joins the question under way, asks, or does nothing when asking failed a moment ago. */
  #askSoon(): Promise<void> {
    if (this.#asking) return this.#asking;
    if (this.#isBackingOff()) return Promise.resolve();
    this.#asking = this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const failed = this.#failure?.error ?? null;
    try {
      const shifts = await this.options.ask();
      this.#good = { shifts, answeredAtMs: this.#nowMs() };
      this.#failure = undefined;
      if (failed !== null) this.options.onChange(null);
    } catch (cause) {
      const error = wordsOf(cause);
      this.#failure = { error, failedAtMs: this.#nowMs() };
      if (failed !== error) this.options.onChange(error);
    }
  }

  #isBackingOff(): boolean {
    if (this.#failure === undefined) return false;
    const restedMs = this.#nowMs() - this.#failure.failedAtMs;
    // a clock that was set back must not make it rest for longer
    return restedMs >= 0 && restedMs < BACK_OFF_MS;
  }

  /** Infinite where there is no answer, or one from the future: the clock was set back, its age cannot be told. */
  #goodAgeMs(): number {
    if (this.#good === undefined) return Infinity;
    const ageMs = this.#nowMs() - this.#good.answeredAtMs;
    return ageMs < 0 ? Infinity : ageMs;
  }

  #nowMs(): number {
    return this.options.clock.now().getTime();
  }
}

/** What may be shown of a failure; anything else is a bug and is thrown on. */
function wordsOf(cause: unknown): string {
  // the cause of a failed fetch may quote a header, and with it the secret: it goes no further
  if (cause instanceof FetchFailed) return cause.words;
  if (cause instanceof UnusableAnswer) return cause.message;
  throw cause;
}
