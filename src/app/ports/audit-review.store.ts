import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';
import type { Problem } from '../../domain/problem.js';
import type {
  AuditReview,
  ReviewClosing,
  ReviewedSession,
  SignOff,
} from '../../domain/review/audit-review.js';
import type { Session, SessionId } from '../../domain/session/session.js';

/** Saved reviews by how they stand: `overdue` ones are those open ones whose time is up. */
export const AUDIT_REVIEW_STATES = ['open', 'overdue', 'closed'] as const;
export type AuditReviewState = (typeof AUDIT_REVIEW_STATES)[number];

/** Makes sending the same again safe: of one account, and for one request. */
export interface RequestKey {
  readonly key: string;
  readonly requestHash: string;
}

/** What a review is once this is written with the others. */
export type Tally = Pick<AuditReview, 'sessions' | 'signedOff' | 'findings'>;

/** Lists of sessions that auditors sign off. Nothing that is written is ever changed. */
export abstract class AuditReviewStore {
  abstract find(id: string): Promise<AuditReview | undefined>;

  /** The review that this account opened with this key, and for which request. */
  abstract findByKey(
    account: Pick<Person, 'iss' | 'sub'>,
    key: string,
  ): Promise<{ readonly review: AuditReview; readonly requestHash: string } | undefined>;

  /** Those of these sessions that there are, in the order in which they are given. */
  abstract known(ids: readonly SessionId[]): Promise<SessionId[]>;

  /** Writes it with its sessions and its event in one transaction. @returns `write-conflict` where the key is taken. */
  abstract open(act: {
    readonly review: Omit<AuditReview, 'sessions' | 'signedOff' | 'findings' | 'closing'>;
    readonly sessions: readonly SessionId[];
    readonly key?: RequestKey;
    readonly audit: AuditEntry;
  }): Promise<AuditReview | Problem>;

  /** Open ones by due time, soonest first; closed ones latest due first. */
  abstract list(args: {
    readonly state: AuditReviewState;
    readonly now: Date;
    readonly after?: { readonly dueAt: Date; readonly id: string };
    readonly limit: number;
  }): Promise<AuditReview[]>;

  /** Its sessions in their order, from the place after `after` on, as they concern `person`. */
  abstract sessions(args: {
    readonly id: string;
    readonly person: Person;
    readonly only?: 'open' | 'signed-off' | SessionId;
    readonly after?: number;
    readonly limit: number;
  }): Promise<ReviewedSession<Session>[]>;

  /**
   * Writes a word on one of its sessions with its event, and, where it is the last that was lacking, the end of the
   * review with its own. All in one transaction; those who sign off the same review wait for each other.
   *
   * @returns the review as it is then; `forbidden` for who had a part in the session, by any account that was ever known
   * to be theirs; `audit-review-closed`; `not-found` where the session is not in it; `idempotency-mismatch`.
   */
  abstract signOff(act: {
    readonly id: string;
    readonly session: SessionId;
    readonly word: SignOff;
    readonly key?: RequestKey;
    readonly audit: (before: SignOff | null) => AuditEntry;
    readonly closed: (tally: Tally) => AuditEntry;
  }): Promise<{ readonly review: AuditReview; readonly already: boolean } | Problem>;

  /**
   * Ends it, with its event.
   *
   * @returns the review as it is then; `audit-review-closed`.
   */
  abstract close(act: {
    readonly id: string;
    readonly closing: ReviewClosing;
    readonly audit: (tally: Tally) => AuditEntry;
  }): Promise<AuditReview | Problem>;
}
