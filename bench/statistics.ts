/** The value below which `percent` of the values lie (nearest rank: always one of them). There must be one. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('nothing was measured');
  return found;
}

/** Median and 99th percentile of durations in milliseconds, to the hundredth. */
export function spread(values: readonly number[]): { count: number; p50: number; p99: number } {
  return {
    count: values.length,
    p50: hundredths(percentile(values, 50)),
    p99: hundredths(percentile(values, 99)),
  };
}

export function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A stretch of time, both ends in milliseconds on the same clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How much of `whole` the spans cover together; what they share counts once. */
export function coveredMs(whole: Span, spans: readonly Span[]): number {
  let covered = 0;
  let reachedMs = whole.fromMs;
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const endMs = Math.min(toMs, whole.toMs);
    if (endMs <= reachedMs) continue;
    covered += endMs - Math.min(Math.max(fromMs, reachedMs), endMs);
    reachedMs = endMs;
  }
  return covered;
}
