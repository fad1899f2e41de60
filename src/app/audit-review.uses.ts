import { CloseAuditReview } from './close-audit-review.js';
import { OpenAuditReview } from './open-audit-review.js';
import type { AuditReviewStore } from './ports/audit-review.store.js';
import type { AuditIndex } from './ports/audit.index.js';
import type { Clock } from './ports/clock.js';
import type { SessionStore } from './ports/session.store.js';
import { ReadAuditReviews } from './read-audit-reviews.js';
import { SignOffSession } from './sign-off-session.js';

/** What is done with saved reviews. */
export interface AuditReviewUses {
  readonly open: OpenAuditReview;
  readonly signOff: SignOffSession;
  readonly close: CloseAuditReview;
  readonly read: ReadAuditReviews;
}

export function auditReviewUses(deps: {
  readonly reviews: AuditReviewStore;
  readonly index: AuditIndex;
  readonly store: SessionStore;
  readonly clock: Clock;
}): AuditReviewUses {
  return {
    open: new OpenAuditReview(deps),
    signOff: new SignOffSession(deps),
    close: new CloseAuditReview(deps),
    read: new ReadAuditReviews(deps),
  };
}
