/** So many bodies an event may tell of, as the database has it as well. */
export const DROPPED_MAX = 4096;
/** No body goes within so many days, as the database has it as well. */
export const KEEP_DAYS_MIN = 30;
/** How much earlier than the newest before it an event may be: transactions take time, and clocks differ. */
export const LATE_MS_MAX = 120_000;
/** How events write their times. */
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const DAY_MS = 86_400_000;
/** Days are the database's, in its time zone: one of them may have 23 hours. Its clock and the writer's differ as well. */
const CLOCK_MS = 3_600_000 + LATE_MS_MAX;

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

/** What an event says of bodies that were dropped. */
export interface DropTold {
  readonly places: readonly PlaceRange[];
  /** All of them are of before it. */
  readonly cutoffMs: number;
  /** When the event says that it was. */
  readonly timeMs: number;
}

/**
 * What the event at this place may say of bodies that were dropped; undefined where it is another, or says what the
 * database's own function would have refused: of itself or what comes after it, of too many at once, of another number
 * than it names, or of what was younger than {@link KEEP_DAYS_MIN}. Total: believes nothing.
 */
export function toldDropped(event: unknown, place: number): DropTold | undefined {
  if (valueOf(event, 'action') !== 'audit.dropped') return undefined;
  const data = valueOf(event, 'data');
  const places = valueOf(data, 'places');
  if (!Array.isArray(places) || places.length > DROPPED_MAX || !places.every(isRange)) {
    return undefined;
  }
  const count = places.reduce((sum, [first, last]) => sum + (last - first + 1), 0);
  const cutoffMs = instantOf(valueOf(data, 'cutoff'));
  const timeMs = instantOf(valueOf(event, 'time'));
  const isRight =
    places.every(([first, last]) => first >= 0 && last < place) &&
    count <= DROPPED_MAX &&
    count === valueOf(data, 'count') &&
    isOver(cutoffMs, timeMs);
  return isRight ? { places, cutoffMs, timeMs } : undefined;
}

/**
 * Which places of a log have no body, and whether an event that may be believed says of each that its time was over. Told
 * of what is there in the order of the places.
 */
export class DroppedPlaces {
  private readonly missing: [number, number][] = [];
  /** For each of these the newest time that can be read before it: they rise. */
  private readonly afterMs: number[] = [];
  private readonly told: DropTold[] = [];
  private newestMs = -Infinity;
  private sum = 0;

  /** How many places have no body. */
  get count(): number {
    return this.sum;
  }

  /** This place has no body. */
  lacks(place: number): void {
    this.sum += 1;
    const newest = this.missing.at(-1);
    if (newest?.[1] === place - 1) newest[1] = place;
    else {
      this.missing.push([place, place]);
      this.afterMs.push(this.newestMs);
    }
  }

  /** The next event that can be read is of this time: what was said before it was not said later, but for the clocks. */
  reads(timeMs: number): void {
    const latestMs = timeMs + LATE_MS_MAX;
    if (latestMs < this.newestMs) {
      for (const [at, told] of this.told.entries()) {
        if (told.timeMs > latestMs) this.told[at] = { ...told, timeMs: latestMs };
      }
    }
    this.newestMs = Math.max(this.newestMs, timeMs);
  }

  /**
   * What this event says, if anything. It is not believed of a place that has an event of after `cutoff` before it: what is
   * there is no older, but for the clocks.
   */
  hears(event: unknown, place: number): void {
    const told = toldDropped(event, place);
    if (told === undefined) return;
    const young = this.missing[firstAbove(this.afterMs, told.cutoffMs + LATE_MS_MAX)];
    const end = young?.[0] ?? Infinity;
    const places = told.places
      .filter(([first]) => first < end)
      .map(([first, last]): PlaceRange => [first, Math.min(last, end - 1)]);
    if (places.length > 0) this.told.push({ ...told, places });
  }

  /** The first place without a body of which nothing that may be believed was heard; undefined where there is none. */
  firstUntold(): number | undefined {
    const believed = this.told.filter(({ cutoffMs, timeMs }) => isOver(cutoffMs, timeMs));
    return firstUntold(
      this.missing,
      believed.flatMap(({ places }) => places),
    );
  }
}

/** Whether what is of before `cutoffMs` may go at this time. */
function isOver(cutoffMs: number, timeMs: number): boolean {
  return timeMs - cutoffMs >= KEEP_DAYS_MIN * DAY_MS - CLOCK_MS;
}

/** The index of the first of these rising numbers that is above. */
function firstAbove(rising: readonly number[], bound: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((rising[middle] ?? Infinity) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}

function instantOf(value: unknown): number {
  return typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : NaN;
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
