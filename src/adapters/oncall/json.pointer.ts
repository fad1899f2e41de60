const INDEX = /^(0|[1-9]\d*)$/;

/**
 * The value of `document` at a JSON pointer (RFC 6901) that is written right; undefined where there is none. Own
 * properties only: `/constructor` leads nowhere.
 */
export function valueAt(document: unknown, pointer: string): unknown {
  const steps = pointer.split('/').slice(1).map(unescaped);
  return steps.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !INDEX.test(step)) return undefined;
    return Object.hasOwn(value, step)
      ? (value as Readonly<Record<string, unknown>>)[step]
      : undefined;
  }, document);
}

/** First `~1`, then `~0`: the other way round `~01` would become `/` (RFC 6901 §4). */
function unescaped(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
