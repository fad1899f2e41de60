import type { ApiFailure } from './api.failure.js';

/** How long a call may take and how often it is tried. */
export interface RetryLimits {
  /** One try, from connecting to the last byte of the answer. */
  readonly attemptMs: number;
  /** The call with all its tries and the waits between them. */
  readonly callMs: number;
  readonly attemptsMax: number;
  readonly waitFirstMs: number;
  /** A Retry-After beyond this is not waited for, but told to the caller. */
  readonly retryAfterMsMax: number;
}

export const RETRY_LIMITS: RetryLimits = {
  attemptMs: 5_000,
  callMs: 9_000,
  attemptsMax: 5,
  waitFirstMs: 100,
  retryAfterMsMax: 3_000,
};

/**
 * Which refusals another try may overcome. All that this adapter sends may be sent twice: reads; the patch, which is a
 * no-op once it has worked (measured: test/kubernetes-1.36/patch/same-again.json); the eviction, pinned by uid.
 */
const RETRIED: ReadonlySet<number> = new Set([409, 429, 500, 502, 503, 504]);

/** Codes of a TLS peer that is not who it should be: trying again will not change it, and nothing was sent. */
const DISTRUST =
  /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)_|HOSTNAME_MISMATCH)/;
/** Codes of a connection that was never made. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Whether the request cannot have been sent, going by the error of the attempt. */
export function wasNotSent(error: unknown): boolean {
  const codes = errorCodes(error);
  return codes.length > 0 && codes.every((code) => NOT_CONNECTED.test(code) || DISTRUST.test(code));
}

/**
 * How long to wait before the next try, in milliseconds; `undefined`: give up. Waits grow by doubling and are spread at
 * random by half, so that many callers do not come back at once.
 */
export function retryWaitMs(args: {
  readonly failure: ApiFailure;
  readonly method: string;
  /** How many tries were made, this one included. */
  readonly tries: number;
  readonly leftMs: number;
  readonly limits: RetryLimits;
  readonly random: () => number;
}): number | undefined {
  const { failure, tries, leftMs, limits, random } = args;
  if (tries >= limits.attemptsMax || !isWorthRetrying(failure, args.method)) return undefined;
  const backOffMs = limits.waitFirstMs * 2 ** (tries - 1) * (0.5 + random());
  const askedMs = failure.failure === 'refused' ? (failure.retryAfterSeconds ?? 0) * 1000 : 0;
  if (askedMs > limits.retryAfterMsMax) return undefined;
  const waitMs = Math.max(backOffMs, askedMs);
  return waitMs < leftMs ? waitMs : undefined;
}

function isWorthRetrying(failure: ApiFailure, method: string): boolean {
  switch (failure.failure) {
    case 'silent':
      return !errorCodes(failure.cause).some((code) => DISTRUST.test(code));
    case 'unreadable':
    case 'misconfigured':
      return false;
    case 'refused': {
      // A conflict settles an eviction: it is about another Pod of that name. A budget needs minutes, not a moment.
      const budget = failure.status.details?.causes?.some(
        ({ reason }) => reason === 'DisruptionBudget',
      );
      if (budget === true || (failure.httpStatus === 409 && method !== 'PATCH')) return false;
      return RETRIED.has(failure.httpStatus);
    }
  }
}

/** Whether it is the code of a TLS peer that is not who it should be. */
export function isDistrust(code: string): boolean {
  return DISTRUST.test(code);
}

/** The codes of an error and of what caused it, outermost first (Node hides several behind one AggregateError). */
export function errorCodes(error: unknown): string[] {
  const codes: string[] = [];
  const pending: unknown[] = [error];
  for (let at = 0; at < pending.length && at < 20; at++) {
    const it = pending[at];
    if (!(it instanceof Error)) continue;
    if ('code' in it && typeof it.code === 'string') codes.push(it.code);
    // Of DOM's errors, which time limits end with, the code is a number.
    else if (it instanceof DOMException) codes.push(it.name);
    if (it instanceof AggregateError) pending.push(...(it.errors as unknown[]));
    pending.push(it.cause);
  }
  return codes;
}
