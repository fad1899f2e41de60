import type { Person } from '../person.js';
import type { SessionId } from '../session/session.js';

/** What an auditor may find of a session: as it should be, worth another look, or against the rules. */
export const AUDIT_FINDINGS = ['in-order', 'concern', 'violation'] as const;
export type AuditFinding = (typeof AUDIT_FINDINGS)[number];

/** As many sessions a review has at most: more are no list that people go through. */
export const REVIEW_SESSIONS_MAX = 1_000;

/** An auditor's word on a session of a review. A later one stands instead of it, and it stays. */
export interface SignOff {
  readonly person: Person;
  readonly finding: AuditFinding;
  readonly comment: string;
  readonly at: Date;
}

/** The end of a review. */
export interface ReviewClosing {
  readonly person: Person;
  /** Why, though sessions were left; null where none was. */
  readonly reason: string | null;
  readonly at: Date;
}

/** A list of sessions that auditors sign off. Its sessions are those that were found when it was opened. */
export interface AuditReview {
  readonly id: string;
  readonly title: string;
  /** What its sessions were found by; null where they were named. */
  readonly filter: Readonly<Record<string, unknown>> | null;
  readonly openedBy: Person;
  readonly at: Date;
  readonly dueAt: Date;
  readonly sessions: number;
  /** How many of them are signed off. */
  readonly signedOff: number;
  /** How many there are of each finding, by the latest word on each session. */
  readonly findings: Readonly<Record<AuditFinding, number>>;
  readonly closing: ReviewClosing | null;
}

/** A session of a review with all that was said of it there, the latest word last. */
export interface ReviewedSession<S> {
  readonly session: S;
  readonly place: number;
  readonly words: readonly SignOff[];
  /** Whether who asks had a part in the session, by any account: then others sign it off. */
  readonly isTheirs: boolean;
}

/** Whether it should have been closed by now. */
export function isReviewLate(
  { closing, dueAt }: Pick<AuditReview, 'closing' | 'dueAt'>,
  now: Date,
): boolean {
  return closing === null && dueAt <= now;
}

/** What an audit event says of a review: what it is about, and by which sessions that can be checked. */
export function reviewFacts(
  review: Pick<AuditReview, 'id' | 'title' | 'filter' | 'sessions' | 'dueAt'>,
  ids: readonly SessionId[],
): Readonly<Record<string, unknown>> {
  const { id, title, filter, sessions, dueAt } = review;
  return { review: id, title, filter, sessions, dueAt: dueAt.toISOString(), of: ids };
}
