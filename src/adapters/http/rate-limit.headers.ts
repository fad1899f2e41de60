import type { Standing } from '../../app/rate.limiter.js';

/**
 * The limits of a request, and what was left of them before it, as structured fields (RFC 9651) by
 * draft-ietf-httpapi-ratelimit-headers-10: quota and window in seconds; remaining, and when there is all of it again.
 */
export function rateLimitHeaders(standings: readonly Standing[]): Record<string, string> {
  if (standings.length === 0) return {};
  const list = (item: (standing: Standing) => string): string => standings.map(item).join(', ');
  return {
    'ratelimit-policy': list((it) => `"${it.name}";q=${it.quota};w=${it.windowSeconds}`),
    ratelimit: list((it) => `"${it.name}";r=${it.left};t=${it.fullInSeconds}`),
  };
}
