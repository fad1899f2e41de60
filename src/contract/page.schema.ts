import { z } from 'zod';

/** A whole number in a query string: digits only, so that "1e2", "0x10" and "" are none. */
export function digits(schema: z.ZodType<number>) {
  return z
    .preprocess(
      (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
      schema,
    )
    .exactOptional();
}

/** A parameter that may be given several times. */
export function repeatable<T extends z.ZodType>(schema: T, max: number) {
  return z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(schema).max(max, `must not be given more than ${max} times`),
  );
}

export const PAGE_LIMIT_DEFAULT = 50;

/** The members of a query for a page of a list. */
export const PAGE_QUERY = {
  limit: digits(z.int().min(1).max(200).default(PAGE_LIMIT_DEFAULT)).meta({
    description: 'How many items to give at most: 1 to 200.',
  }),
  cursor: z.string().min(1).max(512).exactOptional().meta({
    description: 'The `nextCursor` of the page before, with the same filters.',
  }),
} as const;

/** Where the next page begins; null on the last one. */
export const NEXT_CURSOR = z.string().nullable().meta({
  description: 'Send it as `cursor` for the next page; null on the last one.',
});
