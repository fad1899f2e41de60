import type { ReviewView } from '../../contract/review.schema.js';
import { permits } from '../../domain/permission.js';
import type { Owed } from '../../domain/review/review.js';
import { isOverdue, isReviewer } from '../../domain/review/review.js';
import type { Session } from '../../domain/session/session.js';
import type { Caller } from '../caller.js';
import { personOf } from '../caller.js';
import { personView } from './person.view.js';

/** The review that a session owes, as the caller sees it. */
export function reviewView(
  caller: Caller,
  { session, owed, now }: { session: Session; owed: Owed; now: Date },
): ReviewView {
  const { review } = owed;
  const isAuditor = caller.roles.includes('auditor');
  return {
    dueAt: owed.dueAt.toISOString(),
    overdue: isOverdue(owed, now),
    team: owed.team,
    mayReview:
      review === null &&
      session.state === 'ended' &&
      permits(caller.roles, 'session:review') &&
      isReviewer(session, { person: personOf(caller), isAuditor }),
    finding: review?.finding ?? null,
    comment: review?.comment ?? null,
    reviewer: review && personView(review.person),
    at: review?.at.toISOString() ?? null,
  };
}
