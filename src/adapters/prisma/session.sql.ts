import type { Guard, Step } from '../../app/ports/session.store.js';
import type { Session } from '../../domain/session/session.js';
import { Prisma } from './generated/client.js';

/** The channel on which changes of sessions are told: `<id> <version>`. */
export const NEWS_CHANNEL = 'hallpass_sessions';
/** The channel on which it is told that another policy set is in force: its hash. */
export const POLICY_NEWS_CHANNEL = 'hallpass_policies';
/** The channel on which it is told that somebody began or ended watching a session: its id. */
export const PRESENCE_CHANNEL = 'hallpass_watchers';

/** The channel on which it is told that a recording of a session began, grew or ended: the session's id. */
export const RECORDING_CHANNEL = 'hallpass_recordings';

/** The columns of `sessions` under the names that the generated client gives them. */
export const SESSION_COLUMNS = Prisma.raw(`
  id, version, state, cluster, namespace, requester_iss AS "requesterIss", requester_sub AS "requesterSub", requester,
  request, pin, policy_hash AS "policyHash", "grant", approver_groups AS "approverGroups", container, extension,
  extensions, former_containers AS "formerContainers", traceparent, escalated_at AS "escalatedAt",
  created_at AS "createdAt", updated_at AS "updatedAt", lapses_at AS "lapsesAt", starting_at AS "startingAt",
  started_at AS "startedAt", deadline_at AS "deadlineAt", ending_at AS "endingAt", ended_at AS "endedAt",
  end_reason AS "endReason", end_detail AS "endDetail"`);

/** What can change on a session once it is asked for. */
const CHANGING = [
  'version',
  'state',
  'container',
  'extension',
  'extensions',
  'former_containers',
  'approver_groups',
  'approver_users',
  'escalated_at',
  'updated_at',
  'lapses_at',
  'starting_at',
  'started_at',
  'deadline_at',
  'ending_at',
  'ended_at',
  'end_reason',
  'end_detail',
];

/** What is due at once is due by the database's own clock: replicas' clocks may differ. */
const DUE_AT = 'CASE WHEN r.due_at <= r.updated_at THEN LEAST(r.due_at, now()) ELSE r.due_at END';

export function insertSession(row: string, guard: Guard | undefined): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO sessions
    SELECT (jsonb_populate_record(r, jsonb_build_object('due_at', ${Prisma.raw(DUE_AT)}))).*
    FROM jsonb_populate_record(NULL::sessions, ${row}::jsonb) r
    WHERE ${guard === undefined ? Prisma.sql`TRUE` : stillSo(guard)}
    RETURNING id, version`;
}

/** The set that decided is in force, and the limits that it set are kept: checked with the writing. */
function stillSo(guard: Guard): Prisma.Sql {
  const { perPerson, perPod } = guard;
  return Prisma.sql`
    ${isInForce(guard)}
    AND (${perPerson}::int IS NULL OR ${perPerson}::int > (
      SELECT count(*) FROM sessions o WHERE o.state NOT IN ('denied', 'ended')
        AND ((o.requester_iss = r.requester_iss AND o.requester_sub = r.requester_sub) OR o.requester_human = r.requester_human)))
    AND (${perPod}::int IS NULL OR ${perPod}::int > (
      SELECT count(*) FROM sessions o WHERE o.state NOT IN ('denied', 'ended')
        AND o.cluster = r.cluster AND o.pod_uid = r.pod_uid))`;
}

function isInForce({ policyHash }: Guard): Prisma.Sql {
  return Prisma.sql`${policyHash} = (SELECT hash FROM policy_activations ORDER BY seq DESC LIMIT 1)`;
}

/**
 * Makes those wait for each other who count the same sessions: a person's own, and those on one Pod. To be run before
 * the insert and in its transaction; always in the same order, so that no two wait for each other.
 */
export function lockCounted(session: Session): Prisma.Sql {
  const { requester, request, pin } = session;
  const keys = [
    `account ${requester.iss}|${requester.sub}`,
    ...(requester.human === undefined ? [] : [`human ${requester.human}`]),
    ...(pin ? [`pod ${request.cluster} ${pin.podUid}`] : []),
  ].sort();
  return Prisma.sql`
    SELECT count(pg_advisory_xact_lock(hashtextextended(key, 0))) FROM unnest(${keys}::text[]) key`;
}

/**
 * Compare-and-swap: changes nothing where the stored version or state is not the one before this step's, where the claim
 * of `heldBy` does not hold, or where what the guard says is not so any more.
 */
export function updateSession(
  row: string,
  { from, guard, heldBy }: Pick<Step, 'from' | 'guard' | 'heldBy'>,
): Prisma.Sql {
  const sets = CHANGING.map((column) => `"${column}" = r."${column}"`).join(', ');
  return Prisma.sql`
    UPDATE sessions t SET ${Prisma.raw(sets)}, due_at = ${Prisma.raw(DUE_AT)}
    FROM jsonb_populate_record(NULL::sessions, ${row}::jsonb) r
    WHERE t.id = r.id AND t.version = r.version - 1 AND t.state = ${from}
      AND ${heldBy === undefined ? Prisma.sql`TRUE` : Prisma.sql`(t.lease_owner = ${heldBy} AND t.lease_until > now())`}
      AND ${guard === undefined ? Prisma.sql`TRUE` : isInForce(guard)}
    RETURNING t.id, t.version`;
}

/** How many rows of each kind a step wrote. */
export interface Written {
  readonly sessions: number;
  readonly events: number;
  readonly audits: number;
  readonly decisions: number;
  readonly keys: number;
  readonly debts: number;
  readonly news: number;
}

/**
 * A step as one statement, and so one transaction in one round trip: all of it is written, or, where the session was
 * not as expected, nothing. NOTIFY is delivered with the commit.
 */
export function writeOnce(parts: {
  session: Prisma.Sql;
  event: string;
  audit: string;
  decision: string | null;
  key: string | null;
  debt: string | null;
  news: string;
}): Prisma.Sql {
  return Prisma.sql`
    WITH s AS (${parts.session}),
    e AS (
      INSERT INTO session_events
      SELECT j.* FROM s, jsonb_populate_record(NULL::session_events, ${parts.event}::jsonb) j RETURNING 1
    ),
    a AS (
      INSERT INTO audit_events
      SELECT j.* FROM s, jsonb_populate_record(NULL::audit_events, ${parts.audit}::jsonb) j RETURNING 1
    ),
    d AS (
      INSERT INTO decisions
      SELECT j.* FROM s, jsonb_populate_record(NULL::decisions, ${parts.decision}::jsonb) j
      WHERE j.id IS NOT NULL RETURNING 1
    ),
    k AS (
      INSERT INTO idempotency_keys
      SELECT j.* FROM s, jsonb_populate_record(NULL::idempotency_keys, ${parts.key}::jsonb) j
      WHERE j.key IS NOT NULL RETURNING 1
    ),
    b AS (
      INSERT INTO review_debts
      SELECT j.* FROM s, jsonb_populate_record(NULL::review_debts, ${parts.debt}::jsonb) j
      WHERE j.session_id IS NOT NULL RETURNING 1
    ),
    o AS (
      INSERT INTO outbox (topic, session_id, seq, payload, created_at)
      SELECT 'session', s.id, s.version, ${parts.news}::jsonb, now() FROM s RETURNING 1
    )
    SELECT
      (SELECT count(*)::int FROM s) AS sessions,
      (SELECT count(*)::int FROM e) AS events,
      (SELECT count(*)::int FROM a) AS audits,
      (SELECT count(*)::int FROM d) AS decisions,
      (SELECT count(*)::int FROM k) AS keys,
      (SELECT count(*)::int FROM b) AS debts,
      (SELECT count(*)::int FROM o) AS news,
      (SELECT count(pg_notify(${NEWS_CHANNEL}, s.id || ' ' || s.version))::int FROM s) AS told`;
}
