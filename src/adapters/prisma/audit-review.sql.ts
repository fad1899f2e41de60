import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';
import type { AuditFinding, AuditReview, SignOff } from '../../domain/review/audit-review.js';

/** Reviews with how far they are: the latest word on each session counts. Takes what follows `FROM audit_reviews r`. */
export function reviewsSql(rest: string): string {
  return `
    SELECT r.id, r.title, r.filter, r.sessions, r.person, r.due_at, r.at, r.request_hash,
      coalesce(t.signed, 0)::int AS signed, coalesce(t.ok, 0)::int AS ok, coalesce(t.concern, 0)::int AS concern,
      coalesce(t.violation, 0)::int AS violation,
      c.person AS closer, c.reason, c.at AS closed_at
    FROM (SELECT r.* FROM audit_reviews r LEFT JOIN audit_review_closings c ON c.review_id = r.id ${rest}) r
    LEFT JOIN audit_review_closings c ON c.review_id = r.id
    LEFT JOIN LATERAL (
      SELECT count(*) AS signed, count(*) FILTER (WHERE finding = 'in-order') AS ok,
        count(*) FILTER (WHERE finding = 'concern') AS concern, count(*) FILTER (WHERE finding = 'violation') AS violation
      FROM (
        SELECT DISTINCT ON (session_id) finding FROM audit_review_findings f WHERE f.review_id = r.id
        ORDER BY session_id, seq DESC
      ) latest
    ) t ON true`;
}

export interface ReviewRow {
  readonly id: string;
  readonly title: string;
  readonly filter: Readonly<Record<string, unknown>> | null;
  readonly sessions: number;
  readonly person: Person;
  readonly due_at: Date;
  readonly at: Date;
  readonly request_hash: string | null;
  readonly signed: number;
  readonly ok: number;
  readonly concern: number;
  readonly violation: number;
  readonly closer: Person | null;
  readonly reason: string | null;
  readonly closed_at: Date | null;
}

export function reviewOf(row: ReviewRow): AuditReview {
  return {
    id: row.id,
    title: row.title,
    filter: row.filter,
    openedBy: row.person,
    at: row.at,
    dueAt: row.due_at,
    sessions: row.sessions,
    signedOff: row.signed,
    findings: { 'in-order': row.ok, concern: row.concern, violation: row.violation },
    closing:
      row.closer && row.closed_at
        ? { person: row.closer, reason: row.reason, at: row.closed_at }
        : null,
  };
}

export interface WordRow {
  readonly person: Person;
  readonly finding: string;
  readonly comment: string;
  readonly at: Date | string;
}

export function wordOf({ person, finding, comment, at }: WordRow): SignOff {
  return { person, finding: finding as AuditFinding, comment, at: new Date(at) };
}

/**
 * Whether somebody had a part in the session `s`, as `involved`: asked for it, or had a say in it, by any account that was
 * ever known to be theirs. Links that ended count: who is in doubt leaves it to others. Takes the parameters of issuer,
 * subject and human.
 */
export function involvedSql([iss, sub, human]: readonly [string, string, string]): string {
  return `
    WITH humans AS MATERIALIZED (
      SELECT ${human}::text AS human WHERE ${human}::text IS NOT NULL
      UNION SELECT human FROM known_humans WHERE iss = ${iss} AND sub = ${sub}
    ),
    accounts AS MATERIALIZED (
      SELECT ${iss}::text AS iss, ${sub}::text AS sub
      UNION SELECT k.iss, k.sub FROM humans h JOIN known_humans k USING (human)
    )`;
}

/** After {@link involvedSql}: of the session `s`. */
export const IS_INVOLVED = `(
  EXISTS (SELECT FROM accounts a WHERE a.iss = s.requester_iss AND a.sub = s.requester_sub)
  OR EXISTS (SELECT FROM humans h WHERE h.human = s.requester_human)
  OR EXISTS (
    SELECT FROM decisions d WHERE d.session_id = s.id AND d.by = 'person' AND (
      EXISTS (SELECT FROM accounts a WHERE a.iss = d.iss AND a.sub = d.sub)
      OR EXISTS (SELECT FROM humans h WHERE h.human = d.person->>'human')
    )
  )
)`;

/** An event as the columns of `audit_events`. */
export const INSERT_EVENT =
  'INSERT INTO audit_events (id, at, action, session_id, body, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6)';

export function eventValues(entry: AuditEntry): unknown[] {
  return [entry.id, entry.at, entry.action, entry.sessionId, entry.body, entry.leafHash];
}
