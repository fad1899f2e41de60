import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { refuse, type Refusal } from './status.objects.js';
import { wait } from './timings.js';

/**
 * What can be made to go wrong.
 * Requests (matched by `method` and `path`): `refuse`, `delay` for so long or until the fault is taken away, `drop` before
 * or after the request took effect.
 * Watches (matched by `path`): `silent-watch` delivers nothing, `cut-watch` closes without a word after so many
 * milliseconds, `expire-watch` sends a 410 inside the stream.
 * Starting containers (matched by `pod` and `container`): `never-start`, `slow-start`, `slow-pull`.
 */
const Effect = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('refuse'),
    status: z.number().int().min(400).max(599),
    reason: z.string().optional(),
    message: z.string().optional(),
    retryAfterSeconds: z.number().int().min(0).optional(),
  }),
  z.object({ kind: z.literal('delay'), delayMs: z.number().min(0) }),
  z.object({ kind: z.literal('drop'), when: z.enum(['before', 'after']) }),
  z.object({ kind: z.literal('silent-watch') }),
  z.object({ kind: z.literal('cut-watch'), afterMs: z.number().min(0) }),
  z.object({ kind: z.literal('expire-watch'), afterMs: z.number().min(0) }),
  z.object({ kind: z.literal('never-start') }),
  z.object({ kind: z.literal('slow-start'), delayMs: z.number().min(0) }),
  z.object({ kind: z.literal('slow-pull'), delayMs: z.number().min(0) }),
]);
export type FaultEffect = z.infer<typeof Effect>;
type FaultKind = FaultEffect['kind'];

export interface FaultMatch {
  method?: string | undefined;
  /** Tried on path and query together. */
  path?: RegExp | undefined;
  pod?: string | undefined;
  container?: RegExp | undefined;
  /** How often it strikes; without it, until it is removed. */
  times?: number | undefined;
}

export interface Fault {
  readonly id: string;
  readonly match: FaultMatch;
  readonly effect: FaultEffect;
  /** How often it has struck. */
  readonly hits: number;
}

const Pattern = z.string().transform((source, context) => {
  try {
    return new RegExp(source);
  } catch {
    context.addIssue({ code: 'custom', message: 'not a regular expression' });
    return z.NEVER;
  }
});

/** The body of `POST /_sandbox/faults`; patterns are regular expressions as text. */
export const FaultDocument = z.object({
  match: z
    .object({
      method: z.string().optional(),
      path: Pattern.optional(),
      pod: z.string().optional(),
      container: Pattern.optional(),
      times: z.number().int().min(1).optional(),
    })
    .default({}),
  effect: Effect,
});

interface Held extends Fault {
  hits: number;
  /** Aborts when it is taken away. */
  readonly gone: AbortController;
}

export class Faults {
  readonly #faults: Held[] = [];

  add({ match = {}, effect }: { match?: FaultMatch; effect: FaultEffect }): Fault {
    const added = { id: randomUUID(), match, effect, hits: 0, gone: new AbortController() };
    this.#faults.push(added);
    return added;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  remove(id: string): boolean {
    const at = this.#faults.findIndex((fault) => fault.id === id);
    if (at >= 0) this.#takeAway(this.#faults.splice(at, 1));
    return at >= 0;
  }

  clear(): void {
    this.#takeAway(this.#faults.splice(0));
  }

  /** Holds a request up where a fault says so. */
  async holdUp(method: string, url: string, closing: AbortSignal): Promise<void> {
    const struck = this.#strike(['delay'], meeting(method, url));
    if (!struck) return;
    const { effect, gone } = struck;
    await wait(effect.delayMs, AbortSignal.any([closing, gone.signal]));
  }

  /** The first fault of these kinds that a request meets; it counts as a hit. */
  strikeRequest<K extends FaultKind>(
    kinds: readonly K[],
    method: string,
    url: string,
  ): Extract<FaultEffect, { kind: K }> | undefined {
    return this.#strike(kinds, meeting(method, url))?.effect;
  }

  /** The first fault of these kinds that a starting container meets; it counts as a hit. */
  strikeContainer<K extends FaultKind>(
    kinds: readonly K[],
    pod: string,
    container: string,
  ): Extract<FaultEffect, { kind: K }> | undefined {
    return this.#strike(
      kinds,
      ({ match }) =>
        (match.pod === undefined || match.pod === pod) &&
        (match.container === undefined || match.container.test(container)),
    )?.effect;
  }

  #takeAway(faults: readonly Held[]): void {
    for (const { gone } of faults) gone.abort();
  }

  #strike<K extends FaultKind>(
    kinds: readonly K[],
    meets: (fault: Fault) => boolean,
  ): { effect: Extract<FaultEffect, { kind: K }>; gone: AbortController } | undefined {
    for (const fault of this.#faults) {
      const { effect, match, gone } = fault;
      if (!isOfKind(effect, kinds)) continue;
      if (match.times !== undefined && fault.hits >= match.times) continue;
      if (!meets(fault)) continue;
      fault.hits++;
      return { effect, gone };
    }
    return undefined;
  }
}

function meeting(method: string, url: string): (fault: Fault) => boolean {
  return ({ match }) =>
    (match.method === undefined || match.method === method) &&
    (match.path === undefined || match.path.test(url));
}

function isOfKind<K extends FaultKind>(
  effect: FaultEffect,
  kinds: readonly K[],
): effect is Extract<FaultEffect, { kind: K }> {
  return kinds.some((kind) => kind === effect.kind);
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

export function refusalOf(effect: Extract<FaultEffect, { kind: 'refuse' }>): Refusal {
  const reason = effect.reason ?? reasons[effect.status];
  return refuse({
    code: effect.status,
    message: effect.message ?? 'injected by the sandbox',
    ...(reason === undefined ? {} : { reason }),
    ...(effect.retryAfterSeconds === undefined
      ? {}
      : { details: { retryAfterSeconds: effect.retryAfterSeconds } }),
  });
}
