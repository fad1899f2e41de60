import { isIP } from 'node:net';

export const POSTGRES_URL_RULE = 'must be a URL that begins with postgresql://';

export function isPostgresUrl(value: string): boolean {
  return URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol);
}

export const PLAIN_WEB_URL_RULE =
  'must be an http(s):// URL without user, query, fragment or trailing slash';

export function isPlainWebUrl(value: string): boolean {
  if (!URL.canParse(value) || value.endsWith('/')) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === '';
}

/** Where the id of a trace goes in a {@link isTraceLink}. */
export const TRACE_PLACE = '{traceId}';
export const TRACE_LINK_RULE = `must be an http(s):// URL without user, with ${TRACE_PLACE} after its host`;

/** Whether it is an address for any trace, of one host. */
export function isTraceLink(template: string): boolean {
  const probe = 'ab'.repeat(16);
  const filled = template.replaceAll(TRACE_PLACE, probe);
  if (filled === template || !URL.canParse(filled)) return false;
  const { protocol, username, password, host } = new URL(filled);
  return /^https?:$/.test(protocol) && `${username}${password}` === '' && !host.includes(probe);
}

/** An IP address, or a range of them as `address/bits`. */
export function isAddressRange(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  );
}

/** An origin as browsers send it (RFC 6454 §6.2): scheme, host and, where it is not the usual one, port. */
export function isOrigin(value: string): boolean {
  return /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;
}
