import type { CommandFailure } from './command.failure.js';
import { trouble } from './command.failure.js';

const CAUSES_MAX = 5;

/** What the system calls an error and those that caused it, the innermost first. */
export function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  let at = error;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth++) {
    if ('code' in at && typeof at.code === 'string') codes.unshift(at.code);
    at = at.cause;
  }
  return codes;
}

const UNKNOWN =
  'is by an authority that is not known here: name its file with --ca-file, if you trust it';
/** What is wrong with a certificate, by the word of OpenSSL (X509_STORE_CTX_get_error) and of Node. */
const WRONG: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNKNOWN],
  ['UNABLE_TO_GET_ISSUER_CERT', UNKNOWN],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNKNOWN],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNKNOWN],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNKNOWN],
  ['CERT_UNTRUSTED', UNKNOWN],
  ['CERT_HAS_EXPIRED', 'has expired: whoever runs it must renew it'],
  ['CERT_NOT_YET_VALID', 'is not valid yet: check the clock of this machine'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for another name: check the address'],
]);

/** The failure of a connection whose other side shows a certificate that does not hold; undefined for any other error. */
export function distrustedAt(server: string, error: unknown): CommandFailure | undefined {
  for (const code of codesOf(error)) {
    const wrong = WRONG.get(code);
    if (wrong !== undefined) {
      return trouble(`The certificate of ${server} ${wrong} (${code}).`, error);
    }
  }
  return undefined;
}
