/** What canonical JSON can hold: I-JSON (RFC 7493) without undefined, dates, functions. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, no white space, ECMAScript's own number and string
 * forms. Members that are undefined are left out.
 *
 * @throws Error on numbers that I-JSON cannot carry (not finite, or integers beyond 2^53) and on lone surrogates.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'string') return canonicalString(value);
  if (Array.isArray(value))
    return `[${Array.from(value, (item) => canonicalJson(item)).join(',')}]`;
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${canonicalString(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(',')}}`;
  }
  throw new Error(`canonical JSON cannot carry a ${typeof value}`);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that these bytes are, every one of them; undefined where they are no UTF-8, which has no canonical form. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value))
    throw new Error('canonical JSON cannot carry a number that is not finite');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new Error('canonical JSON cannot carry an integer beyond 2^53: send it as a string');
  }
  return JSON.stringify(value);
}

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new Error('canonical JSON cannot carry a lone surrogate');
  return JSON.stringify(value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
