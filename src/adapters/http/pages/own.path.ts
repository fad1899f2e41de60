const CHARACTERS_MAX = 512;
/** A path and a query, in the characters that RFC 3986 lets them have. No `//` or `\` to be taken for a host. */
const OWN = /^\/(?!\/)[\w\-./~%]*(?:\?[\w\-./~%=&]*)?$/;

/** Where a browser may be sent after it signed in: to pages of the broker and nowhere else; otherwise to `/me`. */
export function ownPath(text: unknown): string {
  return typeof text === 'string' && text.length <= CHARACTERS_MAX && OWN.test(text) ? text : '/me';
}
