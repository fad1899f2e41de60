import { z } from 'zod';

export const DAY_SECONDS = 86_400;

export const text = (max = 1024): z.ZodString => z.string().min(1).max(max);
export const path = text(4096);
export const port = z.int().min(0).max(65_535);
export const seconds = (min: number, max: number): z.ZodNumber => z.int().min(min).max(max);

/** Cross-checks run even where another key is wrong, so that every mistake is told at once. */
export const onObjects = {
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
};

export const onLists = { when: ({ value }: { value: unknown }) => Array.isArray(value) };

/** Refuses the second of two items with the same `key`. */
export function eachOnce<Key extends string>(key: Key) {
  return (items: readonly Readonly<Record<Key, string>>[], context: z.RefinementCtx): void => {
    const seen = new Set<unknown>();
    for (const [index, item] of items.entries()) {
      // Runs even where another item is wrong, whatever that is.
      const name = (item as Partial<Record<Key, unknown>> | null)?.[key];
      if (typeof name === 'string' && seen.has(name)) {
        context.addIssue({ code: 'custom', path: [index, key], message: 'is here twice' });
      }
      seen.add(name);
    }
  };
}
