import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';
import type { Problem } from '../../domain/problem.js';
import type { Owed, Review } from '../../domain/review/review.js';
import type { Session, SessionId } from '../../domain/session/session.js';

/** Reviews by how they stand: `open` ones are not done, `overdue` ones are those of them whose time is up. */
export const REVIEW_STATES = ['open', 'overdue', 'done'] as const;
export type ReviewState = (typeof REVIEW_STATES)[number];

/** All; or what a person owes, by any account of theirs, and what the terms name them as a reviewer of. */
export type ReviewVisibility =
  { readonly kind: 'all' } | { readonly kind: 'own'; readonly person: Person };

/** A place in a list of reviews. */
export interface ReviewCursor {
  readonly dueAt: Date;
  readonly id: SessionId;
}

/** A review to be written, with what is written with it. */
export interface ReviewAct {
  readonly sessionId: SessionId;
  readonly review: Review;
  readonly audit: AuditEntry;
}

/** The reviews that break-glass sessions owe. Debts are written with the session, by its store. */
export abstract class ReviewStore {
  /** Undefined where the session owes none. */
  abstract find(id: SessionId): Promise<Owed | undefined>;

  /**
   * Writes a review with its audit entry and its news in one transaction.
   *
   * @returns what is owed no more; `already-reviewed` where another was first, `forbidden` where the reviewer is who
   * owes it, by any account that is known to be theirs: then nothing is written. Throws where the session owes no review.
   */
  abstract write(act: ReviewAct): Promise<Owed | Problem>;

  /** Those owed by due time, soonest first; those done by due time, latest first. */
  abstract list(args: {
    readonly visibility: ReviewVisibility;
    readonly state: ReviewState;
    readonly now: Date;
    readonly after?: ReviewCursor;
    readonly limit: number;
  }): Promise<{ readonly session: Session; readonly owed: Owed }[]>;

  /** How many are owed in all, and how many of these are overdue. For metrics. */
  abstract counts(now: Date): Promise<{ readonly open: number; readonly overdue: number }>;
}
