import type { Held, Lease, Room } from '../../app/ports/session.store.js';
import { Prisma } from './generated/client.js';
import { SESSION_COLUMNS } from './session.sql.js';

const BOUNDLESS: Room = { lanes: 1 };

/** What is due about the session `s` is its end, by the database's clock. */
const IS_END_DUE = Prisma.sql`
  (s.state = 'ending' OR (s.state = 'active' AND s.deadline_at IS NOT NULL AND s.deadline_at <= now()))`;
const IS_FREE = Prisma.sql`s.due_at <= now() AND (s.lease_until IS NULL OR s.lease_until <= now())`;

/** Claims what is due, of each cluster as many ends as there is room for, and as many others; gives their rows. */
export function claimDue(lease: Lease, { lanes, taken = [] }: Room): Prisma.Sql {
  return Prisma.sql`
    WITH due AS MATERIALIZED (
      SELECT open.id AS due_id, waiting.is_end
      FROM (SELECT DISTINCT s.cluster, ${IS_END_DUE} AS is_end FROM sessions s WHERE ${IS_FREE}) AS waiting
      LEFT JOIN ${held(taken)} ON held.name = waiting.cluster AND held.for_end = waiting.is_end
      CROSS JOIN LATERAL (
        SELECT s.id FROM sessions s
        WHERE s.cluster = waiting.cluster AND ${IS_FREE} AND ${IS_END_DUE} = waiting.is_end
        ORDER BY s.due_at LIMIT greatest(${lanes}::int - coalesce(held.sessions, 0), 0)
        FOR UPDATE SKIP LOCKED
      ) AS open
    )
    UPDATE sessions SET lease_owner = ${lease.owner}, lease_until = now() + make_interval(secs => ${lease.seconds}::int)
    FROM due WHERE id = due_id
    RETURNING ${SESSION_COLUMNS}, is_end AS "isEnd"`;
}

/** In how many milliseconds (`ms`) the first comes that there is room for: as an end, or as anything else before that. */
export function nextDue({ lanes, taken = [] }: Room = BOUNDLESS): Prisma.Sql {
  return Prisma.sql`
    SELECT (extract(epoch FROM min(turn.at) - now()) * 1000)::float8 AS ms
    FROM sessions s
    CROSS JOIN LATERAL (SELECT
      greatest(s.due_at, s.lease_until) AS free_at,
      CASE s.state WHEN 'ending' THEN s.due_at WHEN 'active' THEN s.deadline_at END AS ends_at
    ) AS times
    CROSS JOIN LATERAL (VALUES
      (true, CASE WHEN ends_at IS NOT NULL THEN greatest(free_at, ends_at) END),
      (false, CASE WHEN ends_at IS NULL OR ends_at > greatest(free_at, now()) THEN free_at END)
    ) AS turn (is_end, at)
    LEFT JOIN ${held(taken)} ON held.name = s.cluster AND held.for_end = turn.is_end
    WHERE s.due_at IS NOT NULL AND coalesce(held.sessions, 0) < ${lanes}::int`;
}

/** How many sessions of which cluster are held, for their ends or not: a table of `name`, `for_end` and `sessions`. */
function held(taken: readonly Held[]): Prisma.Sql {
  return Prisma.sql`
    unnest(
      ${taken.map(({ cluster }) => cluster)}::text[],
      ${taken.map(({ isEnd }) => isEnd)}::boolean[],
      ${taken.map(({ sessions }) => sessions)}::int[]
    ) AS held (name, for_end, sessions)`;
}
