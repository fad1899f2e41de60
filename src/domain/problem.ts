/**
 * The catalogue of refusals: every expected "no" of Hallpass, by a stable code. Over HTTP a problem is an RFC 9457
 * document whose `type` is `urn:hallpass:problem:<code>`; the status and title come from this table and nowhere else.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not well formed' },
  'invalid-cursor': { status: 400, title: 'The cursor was not made by this list' },
  'invalid-idempotency-key': { status: 400, title: 'The Idempotency-Key is not valid' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  forbidden: { status: 403, title: 'Your roles do not allow this' },
  'invalid-ticket': { status: 401, title: 'The ticket does not let you in' },
  'slack-account-refused': { status: 403, title: 'Hallpass does not serve this Slack account' },
  'slack-not-linked': { status: 403, title: 'This Slack account speaks for nobody' },
  'sign-in-too-old': { status: 403, title: 'Sign in again' },
  'invalid-link-code': { status: 404, title: 'The link ties no account' },
  'already-linked': { status: 409, title: 'The accounts cannot be tied' },
  'sign-in-required': { status: 403, title: 'Sign in as the terms want, to consent' },
  'way-not-allowed': { status: 403, title: 'The terms of the session leave this way out' },
  'not-found': { status: 404, title: 'There is nothing here for you' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method' },
  'illegal-transition': { status: 409, title: 'The session is past that step' },
  'already-decided': { status: 409, title: 'Your consent would add nothing' },
  'already-reviewed': { status: 409, title: 'The session has been reviewed' },
  'audit-review-closed': { status: 409, title: 'The audit review is closed' },
  'extension-refused': { status: 403, title: 'The session is not extended' },
  'not-running': { status: 409, title: 'The session does not run' },
  'container-not-ready': { status: 409, title: 'The debug container cannot be entered' },
  'https-required': { status: 409, title: 'Hallpass is not reached by HTTPS' },
  'write-conflict': { status: 409, title: 'Somebody else changed it at the same moment' },
  'changed-since-seen': { status: 412, title: 'The session has changed since you read it' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'Send JSON' },
  'invalid-fields': { status: 422, title: 'Some fields are not acceptable' },
  'idempotency-mismatch': {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
  },
  'target-not-found': { status: 422, title: 'There is no such target' },
  'target-not-debuggable': { status: 422, title: 'The target cannot take a debug container' },
  'container-not-found': { status: 422, title: 'The Pod has no such container' },
  'target-changed': { status: 409, title: 'The Pod is no longer the one that was chosen' },
  'container-refused': { status: 422, title: 'Kubernetes refused the debug container' },
  'pod-security-refused': { status: 422, title: 'Pod Security refused the debug container' },
  'admission-refused': { status: 422, title: 'An admission policy refused the debug container' },
  'if-match-required': { status: 428, title: 'Say which version of the session you saw' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'too-many-streams': { status: 429, title: 'Too many streams of the session are open' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  'cluster-unauthorized': { status: 502, title: 'The cluster does not accept the broker' },
  'cluster-refused': { status: 502, title: 'The cluster gave an answer the broker does not know' },
  'cluster-unavailable': { status: 503, title: 'The cluster does not answer' },
  'cluster-unreachable': { status: 503, title: 'The cluster cannot be reached' },
  'cluster-unsupported': { status: 422, title: 'The cluster can have no sessions' },
  'identity-unavailable': { status: 503, title: 'The identity provider does not answer' },
  'recording-unavailable': { status: 503, title: 'What happens cannot be recorded' },
  'evidence-not-ready': { status: 503, title: 'Not all of the evidence has its place in the log' },
  'evidence-too-large': { status: 422, title: 'There is more evidence than an archive may hold' },
  'policy-unavailable': { status: 503, title: 'The policies in force cannot be read' },
  'too-busy': { status: 503, title: 'Hallpass takes no more requests for the moment' },
  'replica-stopping': { status: 503, title: 'This replica of Hallpass stops' },
  'database-unavailable': { status: 503, title: 'The database does not answer' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** A field that is not acceptable: a JSON pointer (RFC 6901) into the body, or a parameter's name, and one sentence. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/**
 * A refusal as a value. `detail` is for the caller: what happened, to what, and what to do. `cause` is for the log
 * and is never shown.
 */
export interface Problem {
  readonly problem: ProblemCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** Makes a {@link Problem}. Throws nothing. */
export function problem(
  code: ProblemCode,
  detail: string,
  more: Omit<Problem, 'problem' | 'detail'> = {},
): Problem {
  return { problem: code, detail, ...more };
}

/** Tells a refusal from a result. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'problem' in value && 'detail' in value;
}

/** Refusals of the cluster that another try, later and unchanged, may overcome. */
export const TRANSIENT_PROBLEMS: ReadonlySet<ProblemCode> = new Set([
  'cluster-unavailable',
  'cluster-unreachable',
  'cluster-unauthorized',
  'write-conflict',
  'too-many-requests',
]);

/** For what cannot be unless the program is wrong: throws when `value` is null or undefined. */
export function invariant<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`invariant broken: ${what}`);
  return value;
}
