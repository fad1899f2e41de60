/** Places of the log, from the first to the last of them. */
export type PlaceRange = readonly [first: number, last: number];

/** Rising places as ranges: those beside each other are one. */
export function rangesOf(places: Iterable<number>): PlaceRange[] {
  const ranges: [number, number][] = [];
  for (const place of places) {
    const newest = ranges.at(-1);
    if (newest?.[1] === place - 1) newest[1] = place;
    else ranges.push([place, place]);
  }
  return ranges;
}

/** What an event says of bodies that were dropped, in its `data`; none where it is another. Total: believes nothing. */
export function toldDropped(event: unknown): PlaceRange[] {
  if (valueOf(event, 'action') !== 'audit.dropped') return [];
  const places = valueOf(valueOf(event, 'data'), 'places');
  return Array.isArray(places) ? places.filter(isRange) : [];
}

/**
 * The first place whose body is not there though no event told of it; undefined where there is none. What was told and is
 * there all the same is nothing wrong: a copy may be older.
 *
 * @param missing rising, as {@link rangesOf} gives them.
 */
export function firstUntold(
  missing: readonly PlaceRange[],
  told: readonly PlaceRange[],
): number | undefined {
  const inOrder = [...told].sort(([a], [b]) => a - b);
  let at = 0;
  // Everything from the last range's beginning up to here was told.
  let through = -1;
  for (const [first, last] of missing) {
    let next = first;
    for (;;) {
      for (let range = inOrder[at]; range !== undefined && range[0] <= next; range = inOrder[++at])
        through = Math.max(through, range[1]);
      if (through < next) return next;
      if (through >= last) break;
      next = through + 1;
    }
  }
  return undefined;
}

function isRange(value: unknown): value is PlaceRange {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [first, last] = value as readonly unknown[];
  return Number.isSafeInteger(first) && Number.isSafeInteger(last) && Number(first) <= Number(last);
}

function valueOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (Reflect.get(value, key) as unknown)
    : undefined;
}
