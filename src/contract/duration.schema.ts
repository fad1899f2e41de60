import { z } from 'zod';

const UNITS = { d: 86_400, h: 3600, m: 60, s: 1 } as const;
const DURATION = /^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?$/;

/** The seconds that `90d`, `1h30m`, `30m` or `90s` stand for; undefined where `text` is no duration above 0. */
export function durationSeconds(text: string): number | undefined {
  const [, ...counts] = DURATION.exec(text) ?? [];
  const total = Object.values(UNITS).reduce(
    (sum, seconds, index) => sum + Number(counts[index] ?? 0) * seconds,
    0,
  );
  return total > 0 ? total : undefined;
}

/** A duration in days (of 24 hours), hours, minutes and seconds, as text. Its output is seconds. */
export const durationSchema = z
  .string()
  .max(30)
  .transform((text, context) => {
    const total = durationSeconds(text);
    if (total !== undefined) return total;
    context.addIssue({ code: 'custom', message: 'must be a duration such as 30m, 1h30m or 90s' });
    return z.NEVER;
  });
