/** Where somebody is in time. */
export interface Moment {
  readonly now: Date;
  /** As IANA names it. */
  readonly timeZone: string;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A time for a person: in their zone, which is named, and how far away it is. */
export function timeText(at: Date | string, moment: Moment): string {
  const date = typeof at === 'string' ? new Date(at) : at;
  return `${clockText(date, moment)} (${distanceText(date, moment.now)})`;
}

/** The time in the person's zone, with the day where that is not today. */
export function clockText(date: Date, { now, timeZone }: Moment): string {
  const parts = (of: Date) =>
    Object.fromEntries(
      new Intl.DateTimeFormat('en-GB', {
        timeZone,
        hourCycle: 'h23',
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
        timeZoneName: 'short',
      })
        .formatToParts(of)
        .map(({ type, value }) => [type, value]),
    );
  const [then, today] = [parts(date), parts(now)];
  const day = (of: typeof then) => `${of['year']}-${of['month']}-${of['day']}`;
  const clock = `${then['hour']}:${then['minute']}:${then['second']} ${then['timeZoneName']}`;
  return day(then) === day(today) ? clock : `${day(then)} ${clock}`;
}

/** `in 12 min`, `3 h ago`, `now`. */
export function distanceText(date: Date, now: Date): string {
  const seconds = Math.round((date.getTime() - now.getTime()) / 1000);
  if (seconds === 0) return 'now';
  return seconds > 0 ? `in ${lengthText(seconds)}` : `${lengthText(-seconds)} ago`;
}

/** A length of time by its two largest units: `1 h 30 min`. */
export function lengthText(seconds: number): string {
  const first = UNITS.findIndex(([, length]) => seconds >= length);
  if (first < 0) return '0 s';
  let rest = Math.floor(seconds);
  const parts: string[] = [];
  for (const [unit, length] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.join(' ');
}
