import type { ReviewView } from '../contract/review.schema.js';
import { permits } from '../domain/permission.js';
import { invariant } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import type { ReviewCursor, ReviewState } from './ports/review.store.js';
import { ReviewStore } from './ports/review.store.js';
import { reviewView } from './views/review.view.js';

/** Reviews that are owed, and those that were done. */
export class ReadReviews {
  constructor(private readonly deps: { readonly reviews: ReviewStore; readonly clock: Clock }) {}

  /** A page of those that the caller owes, may review, or, with `session:read-all`, of all. */
  async page(
    caller: Caller,
    args: { state: ReviewState; after?: ReviewCursor; limit: number },
  ): Promise<{ items: { session: Session; review: ReviewView }[]; more: boolean }> {
    const now = this.deps.clock.now();
    const found = await this.deps.reviews.list({
      visibility: permits(caller.roles, 'session:read-all')
        ? { kind: 'all' }
        : { kind: 'own', person: personOf(caller) },
      state: args.state,
      now,
      limit: args.limit + 1,
      ...(args.after ? { after: args.after } : {}),
    });
    const items = found.slice(0, args.limit).map(({ session, owed }) => ({
      session,
      review: reviewView(caller, { session, owed, now }),
    }));
    return { items, more: found.length > args.limit };
  }

  /** The review that a session owes, as the caller, who may see the session, sees it; null where it owes none. */
  async of(caller: Caller, session: Session): Promise<ReviewView | null> {
    if (session.grant?.breakGlass !== true) return null;
    const owed = invariant(
      await this.deps.reviews.find(session.id),
      `broken glass without a debt: ${session.id}`,
    );
    return reviewView(caller, { session, owed, now: this.deps.clock.now() });
  }
}
