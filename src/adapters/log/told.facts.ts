import { withoutSecrets } from './secret.patterns.js';
import { toldError } from './told.error.js';

/** Where errors are expected: what is none is told as if it were one. */
const OF_ERRORS: ReadonlySet<string> = new Set(['err', 'cause']);
const DEPTH_MAX = 8;

/**
 * The facts of a line as they may be written: errors by what is allowed of them, wherever they are, and no text with
 * what looks like a secret. What has a form of its own (dates, requests, secrets) keeps it.
 */
export function toldFacts(facts: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]: [string, unknown]) => [
      name,
      OF_ERRORS.has(name) && value !== undefined ? toldError(value) : toldFact(value, 1),
    ]),
  );
}

function toldFact(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return toldError(value);
  if (depth > DEPTH_MAX) return '(and more)';
  if (Array.isArray(value)) return value.map((it) => toldFact(it, depth + 1));
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, it]) => [key, toldFact(it, depth + 1)]),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
