import { z } from 'zod';
import type { GetJson, Shift } from './on-call.shift.js';
import { SHIFTS_MAX, UnusableAnswer } from './on-call.shift.js';

const PAGES_MAX = 20;
/** The most that PagerDuty gives at once. */
const PAGE_LIMIT = '100';

/** Entries are read one by one, so that an answer full of mistakes costs no more than its first. */
const Page = z.object({ oncalls: z.array(z.unknown()), more: z.boolean() });

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .nullable();

/** https://developer.pagerduty.com, "List all of the on-calls". A user who never goes off call has null times. */
const Entry = z.object({
  user: z.object({ email: z.string().min(1) }),
  start: instant,
  end: instant,
});

/**
 * All entries of PagerDuty's `GET /oncalls` at `url`, with the users' e-mails, which it gives when asked to. Throws an
 * {@link UnusableAnswer} when a page is not in its shape, or when there are more entries or pages than are read.
 */
export async function pagerDutyShifts(url: string, get: GetJson): Promise<readonly Shift[]> {
  const shifts: Shift[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = Page.safeParse(await get(pageAddress(url, shifts.length)));
    if (!answer.success) throw new UnusableAnswer('did not answer with a page of on-calls');
    const { oncalls, more } = answer.data;
    if (shifts.length + oncalls.length > SHIFTS_MAX) break;
    for (const entry of oncalls) shifts.push(shiftOf(entry));
    if (!more) return shifts;
    if (oncalls.length === 0) throw new UnusableAnswer('promised more on-calls than it has');
  }
  throw new UnusableAnswer(`has more than ${SHIFTS_MAX} on-calls or ${PAGES_MAX} pages of them`);
}

function shiftOf(entry: unknown): Shift {
  const parsed = Entry.safeParse(entry);
  if (!parsed.success) {
    throw new UnusableAnswer('has an on-call without e-mail, or with times that cannot be read');
  }
  const { user, start, end } = parsed.data;
  return { who: user.email, startMs: start, endMs: end };
}

function pageAddress(url: string, offset: number): string {
  const address = new URL(url);
  const { searchParams } = address;
  if (!searchParams.has('include[]', 'users')) searchParams.append('include[]', 'users');
  if (!searchParams.has('limit')) searchParams.set('limit', PAGE_LIMIT);
  searchParams.set('offset', String(offset));
  return address.href;
}
