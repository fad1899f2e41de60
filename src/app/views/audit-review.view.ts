import type {
  AuditReviewItem,
  AuditReviewView,
  SignOffView,
} from '../../contract/audit-review.schema.js';
import { AuditSearchFilter } from '../../contract/audit-search.schema.js';
import type { AuditReview, ReviewedSession, SignOff } from '../../domain/review/audit-review.js';
import { isReviewLate } from '../../domain/review/audit-review.js';
import type { Consent, Session } from '../../domain/session/session.js';
import type { Caller } from '../caller.js';
import { personView } from './person.view.js';
import { sessionView } from './session.view.js';

export function auditReviewView(review: AuditReview, now: Date): AuditReviewView {
  const { closing } = review;
  return {
    id: review.id,
    title: review.title,
    filter: review.filter && AuditSearchFilter.parse(review.filter),
    openedBy: personView(review.openedBy),
    openedAt: review.at.toISOString(),
    dueAt: review.dueAt.toISOString(),
    state: closing ? 'closed' : 'open',
    overdue: isReviewLate(review, now),
    sessions: review.sessions,
    signedOff: review.signedOff,
    findings: review.findings,
    closed: closing && {
      by: personView(closing.person),
      at: closing.at.toISOString(),
      reason: closing.reason,
    },
  };
}

/** A session of a review, as the caller sees it. */
export function auditReviewItem(
  caller: Caller,
  { session, words, isTheirs }: ReviewedSession<Session>,
  { review, consents }: { readonly review: AuditReview; readonly consents: readonly Consent[] },
): AuditReviewItem {
  const [latest, ...earlier] = words.toReversed();
  return {
    session: sessionView(caller, session, consents),
    signOff: latest ? signOffView(latest) : null,
    earlier: earlier.map(signOffView),
    maySignOff: review.closing === null && !isTheirs,
  };
}

function signOffView({ person, finding, comment, at }: SignOff): SignOffView {
  return { finding, comment, by: personView(person), at: at.toISOString() };
}
