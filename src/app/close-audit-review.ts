import { auditEntry } from '../domain/audit/entry.js';
import type { Problem } from '../domain/problem.js';
import type { AuditReview } from '../domain/review/audit-review.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { AuditReviewStore } from './ports/audit-review.store.js';
import type { Clock } from './ports/clock.js';
import { closingFacts, noReview } from './sign-off-session.js';

/** Ends a review of which sessions are left, and says why. */
export class CloseAuditReview {
  constructor(
    private readonly deps: { readonly reviews: AuditReviewStore; readonly clock: Clock },
  ) {}

  /** @returns the review as it is then; `not-found`, or `audit-review-closed`. */
  async close(caller: Caller, id: string, reason: string): Promise<AuditReview | Problem> {
    const { reviews, clock } = this.deps;
    const review = await reviews.find(id);
    if (!review) return noReview(id);
    const at = clock.now();
    return reviews.close({
      id,
      closing: { person: personOf(caller), reason, at },
      audit: (tally) =>
        auditEntry({
          at,
          action: 'review.closed',
          outcome: 'success',
          actor: caller.actor,
          data: closingFacts(review, tally, reason),
        }),
    });
  }
}
