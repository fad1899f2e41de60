import { TRANSITIONS } from '../../domain/session/session.machine.js';
import type { Database } from './database.js';

/** States in which a session is not over. */
const OPEN = new Set(TRANSITIONS.map(({ from }) => from).filter((from) => from !== 'new'));

/** How many sessions are in which state, of those that are not over, how many reviews are owed, and how many of these are overdue. */
export async function tally(
  { prisma }: Database,
  now: Date,
): Promise<{ sessions: Record<string, number>; reviewsOpen: number; reviewsOverdue: number }> {
  const [states, owed] = await Promise.all([
    prisma.$queryRaw<{ state: string; count: number }[]>`
      SELECT state, count(*)::int AS count FROM sessions WHERE state NOT IN ('denied', 'ended') GROUP BY state`,
    prisma.$queryRaw<{ open: number; overdue: number }[]>`
      SELECT count(*)::int AS open, count(*) FILTER (WHERE d.due_at <= ${now}::timestamptz)::int AS overdue
      FROM review_debts d LEFT JOIN reviews r USING (session_id) WHERE r.session_id IS NULL`,
  ]);
  const none = Object.fromEntries([...OPEN].map((state) => [state, 0]));
  const counted = Object.fromEntries(states.map(({ state, count }) => [state, count]));
  const { open = 0, overdue = 0 } = owed[0] ?? {};
  return { sessions: { ...none, ...counted }, reviewsOpen: open, reviewsOverdue: overdue };
}
