import { TRANSITIONS } from '../../domain/session/session.machine.js';
import type { Database } from './database.js';

/** States in which a session is not over. */
const OPEN = new Set(TRANSITIONS.map(({ from }) => from).filter((from) => from !== 'new'));

/** How many sessions are in which state, of those that are not over, and how many reviews are overdue. */
export async function tally(
  { prisma }: Database,
  now: Date,
): Promise<{ sessions: Record<string, number>; reviewsOverdue: number }> {
  const [states, overdue] = await Promise.all([
    prisma.$queryRaw<{ state: string; count: number }[]>`
      SELECT state, count(*)::int AS count FROM sessions WHERE state NOT IN ('denied', 'ended') GROUP BY state`,
    prisma.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM review_debts d LEFT JOIN reviews r USING (session_id)
      WHERE r.session_id IS NULL AND d.due_at <= ${now}::timestamptz`,
  ]);
  const none = Object.fromEntries([...OPEN].map((state) => [state, 0]));
  const counted = Object.fromEntries(states.map(({ state, count }) => [state, count]));
  return { sessions: { ...none, ...counted }, reviewsOverdue: overdue[0]?.count ?? 0 };
}
