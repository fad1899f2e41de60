export const SECURE_URL_RULE =
  'must be an https:// URL without a user in it (http:// for this machine itself only)';

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** Whether nobody but this machine and the other end could read or change what travels to and from this address. */
export function isPrivateChannel({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** Over plain HTTP anybody on the way could put their own words in the other end's mouth. */
export function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && isPrivateChannel(url);
}
