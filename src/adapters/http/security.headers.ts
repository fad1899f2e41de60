/** Nothing of ours is to be run, framed or read by other sites. */
const API_POLICY =
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Swagger UI comes from here alone; its page has a style element of its own. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const YEAR_SECONDS = 31_536_000;

/** Whether the path belongs to the page that shows the API. */
export function isDocsPath(path: string): boolean {
  return path === '/docs' || path.startsWith('/docs/') || path.startsWith('/docs?');
}

/** The headers of every response. */
export function securityHeaders(path: string, https: boolean): Record<string, string> {
  const docs = isDocsPath(path);
  return {
    'content-security-policy': docs ? DOCS_POLICY : API_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // What is answered depends on who asks, and must not outlive the asking.
    ...(docs ? {} : { 'cache-control': 'no-store', vary: 'Authorization' }),
    ...(https ? { 'strict-transport-security': `max-age=${YEAR_SECONDS}` } : {}),
  };
}
