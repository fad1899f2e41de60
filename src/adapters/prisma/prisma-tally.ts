import { TRANSITIONS } from '../../domain/session/session.machine.js';
import type { Database } from './database.js';
import { PrismaReviewStore } from './prisma-review.store.js';

/** States in which a session is not over. */
const OPEN = new Set(TRANSITIONS.map(({ from }) => from).filter((from) => from !== 'new'));

/** How many sessions are in which state, of those that are not over, how many reviews are owed, and how many of these are overdue. */
export async function tally(
  database: Database,
  now: Date,
): Promise<{ sessions: Record<string, number>; reviewsOpen: number; reviewsOverdue: number }> {
  const [states, { open, overdue }] = await Promise.all([
    database.prisma.$queryRaw<{ state: string; count: number }[]>`
      SELECT state, count(*)::int AS count FROM sessions WHERE state NOT IN ('denied', 'ended') GROUP BY state`,
    new PrismaReviewStore(database).counts(now),
  ]);
  const none = Object.fromEntries([...OPEN].map((state) => [state, 0]));
  const counted = Object.fromEntries(states.map(({ state, count }) => [state, count]));
  return { sessions: { ...none, ...counted }, reviewsOpen: open, reviewsOverdue: overdue };
}
