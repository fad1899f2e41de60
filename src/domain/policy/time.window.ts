import type { TimeWindow, Weekday } from './policy.js';
import { WEEKDAYS } from './policy.js';

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** The minute that was last asked for, since 1970, and the clock then: one decision asks for many windows. */
  lastMinute: number;
  lastClock: Clock | undefined;
}

interface Clock {
  readonly weekday: Weekday;
  readonly minute: number;
}

/** Making one is slow. By the name in small letters, so that there are no more of them than zones. */
const ZONES = new Map<string, Zone>();
/** `+01:00` is no zone: nobody knows what its clocks do in summer. */
const IANA_NAME = /^[A-Z][\w+/-]*$/i;
const MINUTE_MS = 60_000;

/**
 * Whether an instant lies in a window, by the wall clock of its zone. Where clocks are put forward the hour that is
 * left out is in no window; where they are put back the hour that comes twice is in it twice.
 *
 * @throws RangeError for a zone that is not known: documents with one are refused when they are loaded.
 */
export function isWithin(window: TimeWindow, at: Date): boolean {
  const { weekday, minute } = wallClock(window.timeZone, at);
  const { days, fromMinute, toMinute } = window;
  if (fromMinute < toMinute) {
    return days.includes(weekday) && minute >= fromMinute && minute < toMinute;
  }
  // It passes midnight: the early hours belong to the day before.
  const yesterday = WEEKDAYS[(WEEKDAYS.indexOf(weekday) + 6) % 7];
  return (
    (days.includes(weekday) && minute >= fromMinute) ||
    (yesterday !== undefined && days.includes(yesterday) && minute < toMinute)
  );
}

/** Whether an IANA zone is known here. */
export function isTimeZone(name: string): boolean {
  try {
    zone(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** `Mon, Tue 09:00-17:30 Europe/Berlin`. */
export function windowText({ timeZone, days, fromMinute, toMinute }: TimeWindow): string {
  const when = days.length === WEEKDAYS.length ? 'every day' : days.join(', ');
  return `${when} ${clockText(fromMinute)}-${clockText(toMinute)} ${timeZone}`;
}

function clockText(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** Zones are whole minutes away from UTC (since 1972), so that a minute there is a minute here. */
function wallClock(timeZone: string, at: Date): Clock {
  const known = zone(timeZone);
  const minute = Math.floor(at.getTime() / MINUTE_MS);
  if (known.lastMinute !== minute || known.lastClock === undefined) {
    known.lastClock = readClock(known.format, at);
    known.lastMinute = minute;
  }
  return known.lastClock;
}

function readClock(format: Intl.DateTimeFormat, at: Date): Clock {
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const weekday = WEEKDAYS.find((day) => day === parts.get('weekday'));
  if (weekday === undefined) throw new Error('invariant broken: a day without a name');
  return { weekday, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

function zone(name: string): Zone {
  const key = name.toLowerCase();
  const known = ZONES.get(key);
  if (known) return known;
  if (!IANA_NAME.test(name)) throw new RangeError('this is no IANA time zone');
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const made: Zone = { format, lastMinute: Number.NaN, lastClock: undefined };
  ZONES.set(key, made);
  return made;
}
