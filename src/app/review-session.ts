import { auditEntry } from '../domain/audit/entry.js';
import type { Person } from '../domain/person.js';
import { newest, samePerson } from '../domain/person.js';
import { peopleText } from '../domain/policy/words.js';
import type { Problem } from '../domain/problem.js';
import { invariant, isProblem, problem } from '../domain/problem.js';
import type { Review } from '../domain/review/review.js';
import { isOverdue, isReviewer, reviewersOf } from '../domain/review/review.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { maySee, personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import { People } from './ports/people.js';
import { ReviewStore } from './ports/review.store.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';

/** A review of a break-glass session, by somebody else than who broke the glass. */
export class ReviewSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly reviews: ReviewStore;
      readonly people: People;
      readonly clock: Clock;
    },
  ) {}

  /**
   * Authority is checked before state, so that a stranger learns nothing of it.
   *
   * @returns the session, which itself stays as it was; `not-found` for strangers, `forbidden` for its requester and for others who
   * may only see it, `illegal-transition` where it owes no review or has not ended, `already-reviewed`.
   */
  async review(
    caller: Caller,
    id: SessionId,
    word: Pick<Review, 'finding' | 'comment'>,
  ): Promise<Session | Problem> {
    const { store, reviews, clock } = this.deps;
    const session = await store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    const refusal = refusalOf(caller, session, await this.newestAccounts(caller, session));
    if (refusal) return refusal;
    const owed = invariant(await reviews.find(id), `broken glass without a debt: ${id}`);
    if (owed.review) return alreadyReviewed(id);

    const at = clock.now();
    const written = await reviews.write({
      sessionId: id,
      review: { person: personOf(caller), ...word, at },
      audit: auditEntry({
        at,
        action: 'session.review',
        outcome: 'success',
        actor: caller.actor,
        session,
        data: {
          finding: word.finding,
          comment: word.comment,
          dueAt: owed.dueAt.toISOString(),
          overdue: isOverdue(owed, at),
          requester: { iss: session.requester.iss, sub: session.requester.sub },
        },
      }),
    });
    return isProblem(written) ? written : session;
  }

  /** Reviewer and requester as their newest tokens say: whose human they are may be known by now, and was not then. */
  private async newestAccounts(
    caller: Caller,
    { requester }: Session,
  ): Promise<readonly [reviewer: Person, requester: Person]> {
    const person = personOf(caller);
    const known = await this.deps.people.latest([person, requester]);
    return [newest(person, known), newest(requester, known)];
  }
}

function refusalOf(
  caller: Caller,
  session: Session,
  [reviewer, debtor]: readonly [Person, Person],
): Problem | undefined {
  const { id, requester, grant, state } = session;
  const person = personOf(caller);
  const accounts = [person, reviewer];
  if (accounts.some((it) => samePerson(it, requester) || samePerson(it, debtor)))
    return ownReview();
  if (grant?.breakGlass !== true) {
    return problem(
      'illegal-transition',
      `Nobody broke the glass for the session ${id}: it owes no review.`,
    );
  }
  if (!isReviewer(session, { person, isAuditor: caller.roles.includes('auditor') })) {
    const named = peopleText(reviewersOf(grant));
    return problem(
      'forbidden',
      `Only ${named === '' ? 'auditors' : `${named} and auditors`} review the session ${id}.`,
    );
  }
  if (state !== 'ended') {
    return problem(
      'illegal-transition',
      `The session ${id} is ${state}: it is reviewed once it has ended. Revoke it to end it now.`,
    );
  }
  return undefined;
}

/** The refusal of a review of one's own session. */
export function ownReview(): Problem {
  return problem('forbidden', 'You asked for this session yourself: somebody else must review it.');
}

/** The refusal of a second review. */
function alreadyReviewed(id: SessionId): Problem {
  return problem(
    'already-reviewed',
    `The session ${id} has been reviewed: read it to see by whom.`,
  );
}
