import type { TroubleKind } from '../../domain/cluster.health.js';
import type { ApiFailure } from './api.failure.js';
import { errorCodes, isDistrust } from './retry.policy.js';

const UNAUTHORIZED = 401;

/** The first row that has one of an error's codes counts. Codes of Node, of OpenSSL and of undici. */
const KINDS: readonly (readonly [TroubleKind, RegExp])[] = [
  ['certificate-expired', /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/],
  ['name-unknown', /^(ENOTFOUND|EAI_|ENODATA)/],
  ['connection-refused', /^ECONNREFUSED$/],
  ['no-route', /^(EHOSTUNREACH|ENETUNREACH)$/],
  ['timed-out', /^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|TimeoutError|AbortError)$/],
];

/** What is the matter with a cluster of which a call failed so; undefined where it answered as a cluster does. */
export function troubleOf(failure: ApiFailure): TroubleKind | undefined {
  switch (failure.failure) {
    case 'misconfigured':
      return 'no-credentials';
    case 'unreadable':
      return 'no-kubernetes';
    case 'refused':
      if (failure.httpStatus === UNAUTHORIZED) return 'unauthorized';
      return failure.httpStatus >= 500 ? 'failing' : undefined;
    case 'silent':
      return ofError(failure.cause);
  }
}

function ofError(cause: unknown): TroubleKind {
  const codes = errorCodes(cause);
  const row = KINDS.find(([, pattern]) => codes.some((code) => pattern.test(code)));
  if (row) return row[0];
  return codes.some(isDistrust) ? 'certificate-untrusted' : 'cut-off';
}
