import type { Tally } from '../../app/ports/tally.js';
import { TRANSITIONS } from '../../domain/session/session.machine.js';
import type { Database } from './database.js';
import { PrismaReviewStore } from './prisma-review.store.js';

/** States in which a session is not over. */
const OPEN = new Set(TRANSITIONS.map(({ from }) => from).filter((from) => from !== 'new'));

/** Where nothing is signed for long, counting all that waits would take longer than there is time. */
const WAITING_MAX = 100_000;

/** Counts it; events without a place up to {@link WAITING_MAX}. */
export async function tally(database: Database, now: Date): Promise<Tally> {
  const [states, { open, overdue }, past, unsequenced, signedAt] = await Promise.all([
    database.prisma.$queryRaw<{ state: string; count: number }[]>`
      SELECT state, count(*)::int AS count FROM sessions WHERE state NOT IN ('denied', 'ended') GROUP BY state`,
    new PrismaReviewStore(database).counts(now),
    database.prisma.$queryRaw<{ count: number; oldest: Date | null }[]>`
      SELECT count(*)::int AS count, min(deadline_at) AS oldest FROM sessions
       WHERE state IN ('starting', 'active', 'ending') AND deadline_at < ${now}`,
    database.prisma.$queryRaw<{ count: number; oldest: Date | null }[]>`
      SELECT (SELECT count(*)::int FROM (SELECT 1 FROM audit_pending LIMIT ${WAITING_MAX}) AS waiting) AS count,
             (SELECT e.at FROM audit_pending p JOIN audit_events e ON e.id = p.event_id ORDER BY p.seq LIMIT 1) AS oldest`,
    database.prisma.$queryRaw<{ at: Date }[]>`
      SELECT signed_at AS at FROM audit_checkpoints ORDER BY size DESC LIMIT 1`,
  ]);
  const none = Object.fromEntries([...OPEN].map((state) => [state, 0]));
  const counted = Object.fromEntries(states.map(({ state, count }) => [state, count]));
  const since = (at: Date | null | undefined): number =>
    at ? Math.max(0, (now.getTime() - at.getTime()) / 1000) : 0;
  const newest = signedAt[0]?.at;
  return {
    sessions: { ...none, ...counted },
    reviewsOpen: open,
    reviewsOverdue: overdue,
    past: { sessions: past[0]?.count ?? 0, seconds: since(past[0]?.oldest) },
    unsequenced: { events: unsequenced[0]?.count ?? 0, seconds: since(unsequenced[0]?.oldest) },
    checkpointAgeSeconds: newest ? since(newest) : null,
  };
}
