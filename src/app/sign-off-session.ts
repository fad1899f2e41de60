import { auditEntry } from '../domain/audit/entry.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { AuditReview, SignOff } from '../domain/review/audit-review.js';
import type { SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { AuditReviewStore, RequestKey, Tally } from './ports/audit-review.store.js';
import type { Clock } from './ports/clock.js';
import type { SessionStore } from './ports/session.store.js';

/** An auditor's word on a session of a review, by somebody who had no part in the session. */
export class SignOffSession {
  constructor(
    private readonly deps: {
      readonly reviews: AuditReviewStore;
      readonly store: SessionStore;
      readonly clock: Clock;
    },
  ) {}

  /**
   * The last one that was lacking closes the review.
   *
   * @returns the review as it is then; `not-found` where there is no such review or the session is not in it;
   * `forbidden` for who asked for the session or had a say in it, by any account; `audit-review-closed`;
   * `idempotency-mismatch`.
   */
  async signOff(
    caller: Caller,
    { id, session: sessionId }: { readonly id: string; readonly session: SessionId },
    { finding, comment, key }: Pick<SignOff, 'finding' | 'comment'> & { readonly key?: RequestKey },
  ): Promise<{ readonly review: AuditReview; readonly already: boolean } | Problem> {
    const { reviews, store, clock } = this.deps;
    const review = await reviews.find(id);
    if (!review) return noReview(id);
    const session = await store.find(sessionId);
    if (!session) return notInReview(id, sessionId);
    const at = clock.now();
    const { requester } = session;
    const facts = { at, outcome: 'success', actor: caller.actor } as const;
    return reviews.signOff({
      id,
      session: sessionId,
      word: { person: personOf(caller), finding, comment, at },
      ...(key ? { key } : {}),
      audit: (before) =>
        auditEntry({
          ...facts,
          action: 'review.signed-off',
          session,
          data: {
            review: id,
            title: review.title,
            finding,
            comment,
            instead: before && { finding: before.finding, by: before.person.sub, at: before.at.toISOString() }, // prettier-ignore
            requester: { iss: requester.iss, sub: requester.sub },
          },
        }),
      closed: (tally) =>
        auditEntry({ ...facts, action: 'review.closed', data: closingFacts(review, tally, null) }),
    });
  }
}

/** What the end of a review says of it. */
export function closingFacts(
  { id, title }: Pick<AuditReview, 'id' | 'title'>,
  { sessions, signedOff, findings }: Tally,
  reason: string | null,
): Readonly<Record<string, unknown>> {
  return { review: id, title, sessions, signedOff, findings, reason };
}

export function noReview(id: string): Problem {
  return problem('not-found', `There is no audit review ${id}.`);
}

/** The refusal of a session that is in no list, or not in this one. */
export function notInReview(id: string, session: SessionId): Problem {
  return problem('not-found', `The session ${session} is not in the audit review ${id}.`);
}

/** Four eyes. */
export function ownSession(): Problem {
  return problem(
    'forbidden',
    'You asked for this session, or had a say in it, by this account or another of yours: somebody else must sign it off.',
  );
}

export function reviewClosed(id: string): Problem {
  return problem(
    'audit-review-closed',
    `The audit review ${id} is closed: open another one of what is to be looked at again.`,
  );
}
