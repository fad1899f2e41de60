import type { Lease, Room } from '../../app/ports/session.store.js';
import { Prisma } from './generated/client.js';
import { SESSION_COLUMNS } from './session.sql.js';

const NONE_TAKEN: ReadonlyMap<string, number> = new Map();
const BOUNDLESS: Room = { all: 1, usual: 1 };

/** What is due about the session `s` is its end, by the database's clock. */
const IS_END_DUE = Prisma.sql`
  (s.state = 'ending' OR (s.state = 'active' AND s.deadline_at IS NOT NULL AND s.deadline_at <= now()))`;
const IS_FREE = Prisma.sql`s.due_at <= now() AND (s.lease_until IS NULL OR s.lease_until <= now())`;

/** Claims what is due, of each cluster as many as there is room for, ends first; gives their rows. */
export function claimDue(lease: Lease, { all, usual, taken = NONE_TAKEN }: Room): Prisma.Sql {
  return Prisma.sql`
    WITH due AS MATERIALIZED (
      SELECT unnest(ending.ids || other.ids) AS due_id
      FROM (SELECT DISTINCT s.cluster FROM sessions s WHERE ${IS_FREE}) AS waiting
      LEFT JOIN ${held(taken)} ON held.name = waiting.cluster
      CROSS JOIN LATERAL (SELECT ARRAY(
        SELECT s.id FROM sessions s WHERE s.cluster = waiting.cluster AND ${IS_FREE} AND ${IS_END_DUE}
        ORDER BY s.due_at LIMIT greatest(${all}::int - coalesce(held.sessions, 0), 0)
        FOR UPDATE SKIP LOCKED
      ) AS ids) AS ending
      CROSS JOIN LATERAL (SELECT ARRAY(
        SELECT s.id FROM sessions s WHERE s.cluster = waiting.cluster AND ${IS_FREE} AND NOT ${IS_END_DUE}
        ORDER BY s.due_at
        LIMIT greatest(${usual}::int - coalesce(held.sessions, 0) - cardinality(ending.ids), 0)
        FOR UPDATE SKIP LOCKED
      ) AS ids) AS other
    )
    UPDATE sessions SET lease_owner = ${lease.owner}, lease_until = now() + make_interval(secs => ${lease.seconds}::int)
    FROM due WHERE id = due_id
    RETURNING ${SESSION_COLUMNS}`;
}

/** In how many milliseconds (`ms`) the first comes that there is room for: where an end alone has, at its deadline. */
export function nextDue({ all, usual, taken = NONE_TAKEN }: Room = BOUNDLESS): Prisma.Sql {
  return Prisma.sql`
    SELECT (extract(epoch FROM min(
      greatest(s.due_at, s.lease_until, CASE WHEN is_end_alone THEN ends_at END)) - now()) * 1000)::float8 AS ms
    FROM sessions s
    LEFT JOIN ${held(taken)} ON held.name = s.cluster
    CROSS JOIN LATERAL (SELECT
      coalesce(held.sessions, 0) >= ${usual}::int AS is_end_alone,
      CASE s.state WHEN 'ending' THEN s.due_at WHEN 'active' THEN s.deadline_at END AS ends_at
    ) AS room
    WHERE s.due_at IS NOT NULL AND coalesce(held.sessions, 0) < ${all}::int
      AND (NOT is_end_alone OR ends_at IS NOT NULL)`;
}

/** How many sessions of which cluster are held: a table of `name` and `sessions`. */
function held(taken: ReadonlyMap<string, number>): Prisma.Sql {
  return Prisma.sql`
    unnest(${[...taken.keys()]}::text[], ${[...taken.values()]}::int[]) AS held (name, sessions)`;
}
