import type { KubernetesStatus } from './status.schema.js';

/**
 * Why a call to an API server gave no result. `definite`: neither this request nor an earlier try of it within the same
 * call can take effect any more; only ever in doubt once a request has left without an answer that settles it.
 */
export type ApiFailure =
  /** It answered, and said no. */
  | {
      readonly failure: 'refused';
      readonly definite: boolean;
      readonly httpStatus: number;
      readonly status: KubernetesStatus;
      readonly retryAfterSeconds?: number;
    }
  /** No answer: no connection, a connection cut, or none in time. */
  | { readonly failure: 'silent'; readonly definite: boolean; readonly cause: unknown }
  /** It answered with what no API server would: another program is at that address, or something is between. */
  | { readonly failure: 'unreadable'; readonly definite: boolean; readonly cause: unknown }
  /** The kubeconfig or the credentials that it names cannot be used; nothing was sent. */
  | { readonly failure: 'misconfigured'; readonly definite: true; readonly cause: unknown };

/** Carries an {@link ApiFailure} out of client-node's generated calls, which know no other way than to throw. */
export class ApiFailureError extends Error {
  constructor(readonly failure: ApiFailure) {
    super(`the API server: ${failure.failure}`, 'cause' in failure ? { cause: failure.cause } : {});
    this.name = 'ApiFailureError';
  }
}

/** Tells a failure from a result. */
export function isApiFailure(value: unknown): value is ApiFailure {
  return typeof value === 'object' && value !== null && 'failure' in value && 'definite' in value;
}
