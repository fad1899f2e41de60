import type { OnCallSourceState } from '../ports/on-call.js';

/** What readiness says of on-call sources: the replica serves without them, and an operator should know. */
export function onCallReadiness(
  sources: readonly OnCallSourceState[],
): true | { ok: true; note: string } {
  const failing = sources.filter(({ lastError }) => lastError !== null);
  if (failing.length === 0) return true;
  const told = failing.slice(0, TOLD_MAX).map(({ name, lastError }) => `${name} (${lastError})`);
  return { ok: true, note: `these on-call sources do not answer: ${told.join(', ')}` };
}

const TOLD_MAX = 10;
