import type { z } from 'zod';
import type { BrokerClient } from './broker.client.js';

const PAGE = 200;

/** A list of the broker, page by page, up to `limit` items; as this version reads it, and as it came. */
export async function readPages<T>(
  broker: BrokerClient,
  path: string,
  {
    shape,
    query,
    limit,
  }: {
    readonly shape: z.ZodType<{ readonly items: readonly T[]; readonly nextCursor: string | null }>;
    readonly query: Readonly<Record<string, string | number | readonly string[] | undefined>>;
    readonly limit: number;
  },
): Promise<{ readonly items: readonly T[]; readonly more: boolean; readonly raw: object }> {
  const items: T[] = [];
  const rawItems: unknown[] = [];
  let rest: object = {};
  let cursor: string | undefined;
  do {
    const size = Math.min(PAGE, limit - items.length);
    const page = await broker.call(path, shape, { query: { ...query, limit: size, cursor } });
    items.push(...page.value.items);
    rawItems.push(...itemsIn(page.raw));
    if (typeof page.raw === 'object' && page.raw !== null) rest = page.raw;
    cursor = page.value.nextCursor ?? undefined;
  } while (cursor !== undefined && items.length < limit);
  return {
    items,
    more: cursor !== undefined,
    // What a page says of its items besides is said of all of them.
    raw: { ...rest, items: rawItems, nextCursor: cursor ?? null },
  };
}

function itemsIn(raw: unknown): readonly unknown[] {
  if (typeof raw !== 'object' || raw === null || !('items' in raw)) return [];
  return Array.isArray(raw.items) ? (raw.items as unknown[]) : [];
}
