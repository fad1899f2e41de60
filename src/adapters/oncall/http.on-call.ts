import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../app/ports/clock.js';
import type { Journal } from '../../app/ports/journal.js';
import type { MissingSecret, OnCallSourceState } from '../../app/ports/on-call.js';
import { OnCall } from '../../app/ports/on-call.js';
import type { OnCallSecret } from '../../config/secret.js';
import type { OnCallFacts } from '../../domain/policy/facts.js';
import type {
  OnCallMatch,
  OnCallShapeKind,
  OnCallSource,
} from '../../domain/policy/on-call-source.js';
import type { Person } from '../../domain/person.js';
import { fetchJson } from '../net/json.fetch.js';
import { genericShifts } from './generic.shape.js';
import type { GetJson, Shift } from './on-call.shift.js';
import { covers, UnusableAnswer } from './on-call.shift.js';
import { pagerDutyShifts } from './pagerduty.shape.js';
import { ShiftCache } from './shift.cache.js';

const BODY_BYTES_MAX = 1_048_576;
/** Sources whose answers are remembered, those of sets that are no longer in force included. */
const SOURCES_MAX = 1_000;

const ACCEPT = {
  pagerduty: 'application/vnd.pagerduty+json;version=2',
  generic: 'application/json',
} as const satisfies Record<OnCallShapeKind, string>;

const AUTHORIZATION = {
  pagerduty: (secret: string) => `Token token=${secret}`,
  generic: (secret: string) => `Bearer ${secret}`,
} as const satisfies Record<OnCallShapeKind, (secret: string) => string>;

/** What a source may call a person, and how that is compared; undefined: it can name them in no way. */
const NAMES = {
  email: { of: ({ email }) => (email === '' ? undefined : email), compared: lowerCase },
  subject: { of: ({ sub }) => sub, compared: (text) => text },
} as const satisfies Record<
  OnCallMatch,
  { of: (person: Person) => string | undefined; compared: (text: string) => string }
>;

export interface HttpOnCallOptions {
  readonly clock: Clock;
  readonly journal: Journal;
  /** By the names that sources call them. */
  readonly secrets: ReadonlyMap<string, OnCallSecret>;
}

/** Asks the sources over HTTP and remembers what they answered. */
export class HttpOnCall extends OnCall {
  readonly #remembered = new Map<string, { source: OnCallSource; cache: ShiftCache }>();

  constructor(private readonly options: HttpOnCallOptions) {
    super();
  }

  async factsFor(sources: readonly OnCallSource[], person: Person): Promise<OnCallFacts> {
    const facts = sources.map(
      async (source) => [source.name, await this.#isOnCall(source, person)] as const,
    );
    return Object.fromEntries(await Promise.all(facts));
  }

  /** Of those of these sources that were asked since the program began, as they are defined. */
  states(sources: readonly OnCallSource[]): readonly OnCallSourceState[] {
    return sources.flatMap((source) => {
      const cache = this.#cached(source);
      return cache ? [{ name: source.name, ...cache.state() }] : [];
    });
  }

  /** The sources whose secret is not in the configuration, or not for their host: all they can say is `unknown`. */
  missingSecrets(sources: readonly OnCallSource[]): readonly MissingSecret[] {
    return sources.flatMap(({ name, secret, url }) =>
      secret === null || this.options.secrets.get(secret)?.hosts.includes(new URL(url).host)
        ? []
        : [{ source: name, secret }],
    );
  }

  async #isOnCall(source: OnCallSource, person: Person): Promise<boolean | 'unknown'> {
    const { of, compared } = NAMES[source.match];
    const name = of(person);
    // Nobody can say so of somebody without a name there: `false` would let `!onCall['…']` hold.
    if (name === undefined) return 'unknown';
    const shifts = await this.#cacheOf(source).shifts();
    if (shifts === undefined) return 'unknown';
    const wanted = compared(name);
    const nowMs = this.options.clock.now().getTime();
    return shifts.some((shift) => covers(shift, nowMs) && compared(shift.who) === wanted);
  }

  /** An answer belongs to the source as it was defined when it was asked. */
  #cacheOf(source: OnCallSource): ShiftCache {
    const { name } = source;
    const cached = this.#cached(source);
    if (cached) return cached;
    const cache = new ShiftCache({
      times: source,
      clock: this.options.clock,
      ask: () => this.#ask(source),
      onChange: (error) => this.#note(name, error),
    });
    this.#remembered.delete(name);
    this.#remembered.set(name, { source, cache });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > SOURCES_MAX && oldest !== undefined) {
      this.#remembered.delete(oldest);
    }
    return cache;
  }

  #cached(source: OnCallSource): ShiftCache | undefined {
    const remembered = this.#remembered.get(source.name);
    return remembered && isDeepStrictEqual(remembered.source, source)
      ? remembered.cache
      : undefined;
  }

  async #ask(source: OnCallSource): Promise<readonly Shift[]> {
    const { url, shape } = source;
    const headers = this.#headersFor(source);
    const signal = AbortSignal.timeout(source.timeoutSeconds * 1000);
    const get: GetJson = (address) =>
      fetchJson(address, { signal, headers, bytesMax: BODY_BYTES_MAX });
    return shape.kind === 'pagerduty'
      ? pagerDutyShifts(url, get)
      : genericShifts(url, { shape, get });
  }

  #headersFor({ shape: { kind }, secret, url }: OnCallSource): Readonly<Record<string, string>> {
    if (secret === null) return { accept: ACCEPT[kind] };
    const held = this.options.secrets.get(secret);
    if (!held) throw new UnusableAnswer('needs a secret that the configuration does not have');
    // Whoever writes policies chooses the address; only the configuration says where the secret may go.
    if (!held.hosts.includes(new URL(url).host)) {
      throw new UnusableAnswer('names a secret that may not be sent to its host');
    }
    return { accept: ACCEPT[kind], authorization: AUTHORIZATION[kind](held.value.reveal()) };
  }

  #note(name: string, error: string | null): void {
    const { journal } = this.options;
    if (error === null) journal.info({ onCallSource: name }, 'on-call source answers again');
    else journal.warn({ onCallSource: name, error }, 'on-call source cannot be asked');
  }
}

/** Of ASCII letters only: Unicode has letters that become others (`K`, the Kelvin sign, becomes `k`). */
function lowerCase(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
