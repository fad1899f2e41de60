import { randomUUID } from 'node:crypto';
import { auditEntry } from '../domain/audit/entry.js';
import type { FieldError, Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { AuditReview } from '../domain/review/audit-review.js';
import { reviewFacts, REVIEW_SESSIONS_MAX } from '../domain/review/audit-review.js';
import type { SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { AuditReviewStore, RequestKey } from './ports/audit-review.store.js';
import type { AuditFilter, AuditIndex } from './ports/audit.index.js';
import type { Clock } from './ports/clock.js';

/** Among so many events sessions are looked for: more take longer than somebody waits. */
const AMONG_MAX = 1_000_000;

/** What a review is of: sessions by name, or those that a search finds now, which is also told as it was asked for. */
export type ReviewOf =
  | { readonly kind: 'named'; readonly sessions: readonly SessionId[] }
  | {
      readonly kind: 'found';
      readonly filter: AuditFilter;
      readonly asked: Readonly<Record<string, unknown>>;
    };

export interface NewAuditReview {
  readonly title: string;
  readonly of: ReviewOf;
  readonly dueAt: Date;
}

/** Opens a review: from here on its sessions are what they are, whatever is found later. */
export class OpenAuditReview {
  constructor(
    private readonly deps: {
      readonly reviews: AuditReviewStore;
      readonly index: AuditIndex;
      readonly clock: Clock;
    },
  ) {}

  /**
   * @returns the review, `already` where the same request was sent before; `idempotency-mismatch`; `invalid-fields` where
   * it is due before now, or is of no sessions, of unknown ones or of too many; `write-conflict`.
   */
  async open(
    caller: Caller,
    wish: NewAuditReview,
    key?: RequestKey,
  ): Promise<{ readonly review: AuditReview; readonly already: boolean } | Problem> {
    const before = key && (await this.before(caller, key));
    if (before) return before;
    const now = this.deps.clock.now();
    if (wish.dueAt <= now)
      return unacceptable({ path: '/dueAt', message: 'must be later than now' });
    const sessions = await this.sessionsOf(wish.of);
    if (isProblem(sessions)) return sessions;
    const review = {
      id: randomUUID(),
      title: wish.title,
      filter: wish.of.kind === 'found' ? wish.of.asked : null,
      openedBy: personOf(caller),
      at: now,
      dueAt: wish.dueAt,
    };
    const written = await this.deps.reviews.open({
      review,
      sessions,
      ...(key ? { key } : {}),
      audit: auditEntry({
        at: now,
        action: 'review.opened',
        outcome: 'success',
        actor: caller.actor,
        data: reviewFacts({ ...review, sessions: sessions.length }, sessions),
      }),
    });
    return isProblem(written) ? written : { review: written, already: false };
  }

  private async before(caller: Caller, key: RequestKey) {
    const known = await this.deps.reviews.findByKey(personOf(caller), key.key);
    if (!known) return undefined;
    return known.requestHash === key.requestHash
      ? { review: known.review, already: true }
      : otherRequest();
  }

  private async sessionsOf(of: ReviewOf): Promise<readonly SessionId[] | Problem> {
    const { reviews, index } = this.deps;
    if (of.kind === 'named') {
      const asked = [...new Set(of.sessions)];
      const known = new Set(await reviews.known(asked));
      const unknown = asked.findIndex((id) => !known.has(id));
      if (unknown < 0) return asked;
      return unacceptable({ path: `/sessions/${unknown}`, message: 'is no session' });
    }
    const { ids, more } = await index.sessions(of.filter, {
      limit: REVIEW_SESSIONS_MAX + 1,
      among: AMONG_MAX,
    });
    const found = await reviews.known(ids);
    if (found.length > REVIEW_SESSIONS_MAX || more) {
      const what = found.length > REVIEW_SESSIONS_MAX ? 'sessions' : 'events';
      const most = found.length > REVIEW_SESSIONS_MAX ? REVIEW_SESSIONS_MAX : AMONG_MAX;
      return unacceptable({
        path: '/filter',
        message: `finds more than ${most} ${what}: open several reviews, each of a part, by "from" and "until", "namespace" or "action"`,
      });
    }
    return found.length > 0
      ? found
      : unacceptable({ path: '/filter', message: 'finds no session: try it in the search first' });
  }
}

function unacceptable(error: FieldError): Problem {
  return problem('invalid-fields', 'Correct the fields named in "errors" and send it again.', {
    errors: [error],
  });
}

/** The refusal of a key that was used for something else. */
export function otherRequest(): Problem {
  return problem(
    'idempotency-mismatch',
    'You used this Idempotency-Key for another request: use a new one.',
  );
}
