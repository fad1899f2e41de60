import type { BrokenGlassView } from '../../contract/break-glass-report.schema.js';
import { isOverdue } from '../../domain/review/review.js';
import type { BrokenGlass } from '../ports/break-glass.report.js';
import { personView } from './person.view.js';

/** A session for which the glass was broken, as a report tells it. */
export function brokenGlassView({ session, at, owed }: BrokenGlass, now: Date): BrokenGlassView {
  const { request, requester, pin, grant } = session;
  const { review } = owed;
  const owes = isOverdue(owed, now) ? 'overdue' : 'owed';
  return {
    session: session.id,
    at: at.toISOString(),
    who: personView(requester),
    issuer: requester.iss,
    cluster: request.cluster,
    namespace: request.namespace,
    pod: pin?.podName ?? null,
    profile: request.profile,
    rule: grant?.rule ?? null,
    reason: request.reason,
    ticket: request.ticket ?? null,
    state: session.state,
    startedAt: session.startedAt?.toISOString() ?? null,
    endedAt: session.endedAt?.toISOString() ?? null,
    review: {
      state: review ? 'done' : owes,
      dueAt: owed.dueAt.toISOString(),
      finding: review?.finding ?? null,
      comment: review?.comment ?? null,
      reviewer: review && personView(review.person),
      at: review?.at.toISOString() ?? null,
    },
  };
}
