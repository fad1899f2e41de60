import type { TimeWindow, Weekday } from './policy.js';
import { WEEKDAYS } from './policy.js';

/** Making one is slow, and rules name few zones. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();
const FORMATS_MAX = 1_000;

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
    format(name);
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

function wallClock(timeZone: string, at: Date): { weekday: Weekday; minute: number } {
  const parts = new Map(
    format(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );
  const weekday = WEEKDAYS.find((day) => day === parts.get('weekday'));
  if (weekday === undefined) throw new Error('invariant broken: a day without a name');
  return { weekday, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

function format(timeZone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(timeZone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (FORMATS.size < FORMATS_MAX) FORMATS.set(timeZone, made);
  return made;
}
