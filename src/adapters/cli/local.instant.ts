import { durationSeconds } from '../../contract/duration.schema.js';
import { trouble } from './command.failure.js';
import type { Moment } from './person.time.js';

const WALL = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?)?$/;
const ABSOLUTE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i;
const DAY_MS = 86_400_000;

/** How instants may be given, for help. */
export const INSTANT_FORMS =
  'as 2026-03-01 or "2026-03-01 09:00" in your time zone, 2026-03-01T08:00:00Z, or';

/**
 * An instant as somebody types it, as the API has it: RFC 3339; a day or a time of day in their zone; or a duration, which
 * is so long ago (`past`) or from now on (`future`). A time that clocks showed twice is the first of the two.
 *
 * @throws CommandFailure where it is none of these.
 */
export function instantText(
  text: string,
  moment: Moment,
  { option, relative }: { readonly option: string; readonly relative: 'past' | 'future' },
): string {
  const given = text.trim();
  const found = ABSOLUTE.test(given)
    ? Date.parse(given.replace(' ', 'T'))
    : (wallInstant(given, moment.timeZone) ?? relativeInstant(given, moment.now, relative));
  if (found !== undefined && !Number.isNaN(found)) return new Date(found).toISOString();
  const example = relative === 'past' ? '7d for seven days ago' : '14d for in fourteen days';
  throw trouble(`${option} ${JSON.stringify(given)} is no time: give it ${INSTANT_FORMS} ${example}.`); // prettier-ignore
}

/** The same where there is one. */
export function maybeInstant(
  text: string | undefined,
  moment: Moment,
  how: Parameters<typeof instantText>[2],
): string | undefined {
  return text === undefined ? undefined : instantText(text, moment, how);
}

function relativeInstant(text: string, now: Date, relative: 'past' | 'future'): number | undefined {
  const seconds = durationSeconds(text);
  if (seconds === undefined) return undefined;
  return now.getTime() + (relative === 'past' ? -1 : 1) * seconds * 1000;
}

/** When clocks in a zone show this; where none ever did, because they were put forward, as if they had not been yet. */
function wallInstant(text: string, timeZone: string): number | undefined {
  const [, day, clock = '00:00', seconds = ':00'] = WALL.exec(text) ?? [];
  if (day === undefined) return undefined;
  const wall = Date.parse(`${day}T${clock}${seconds}Z`);
  if (Number.isNaN(wall) || !new Date(wall).toISOString().startsWith(day)) return undefined;
  const [early = 0, late = 0] = [wall - DAY_MS, wall + DAY_MS].map(
    (around) => wall - offsetMs(around, timeZone),
  );
  const shown = [Math.min(early, late), Math.max(early, late)].find(
    (at) => at + offsetMs(at, timeZone) === wall,
  );
  return shown ?? early;
}

/** How far clocks in a zone are ahead of UTC then. */
function offsetMs(at: number, timeZone: string): number {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
      .formatToParts(new Date(at))
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}
