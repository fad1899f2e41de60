import type { Problem } from '../domain/problem.js';
import type { AuditReview, ReviewedSession } from '../domain/review/audit-review.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { AuditReviewState, AuditReviewStore } from './ports/audit-review.store.js';
import type { Clock } from './ports/clock.js';
import { noReview } from './sign-off-session.js';

/** Saved reviews, and how far they are. All auditors see all of them. */
export class ReadAuditReviews {
  constructor(
    private readonly deps: { readonly reviews: AuditReviewStore; readonly clock: Clock },
  ) {}

  /** By the same clock that says which are overdue. */
  now(): Date {
    return this.deps.clock.now();
  }

  async page(args: {
    readonly state: AuditReviewState;
    readonly after?: { readonly dueAt: Date; readonly id: string };
    readonly limit: number;
  }): Promise<{ readonly items: readonly AuditReview[]; readonly more: boolean }> {
    const now = this.now();
    const found = await this.deps.reviews.list({ ...args, now, limit: args.limit + 1 });
    return { items: found.slice(0, args.limit), more: found.length > args.limit };
  }

  /** One with a page of its sessions, or `not-found`. */
  async one(
    caller: Caller,
    id: string,
    page: {
      readonly only?: 'open' | 'signed-off' | SessionId;
      readonly after?: number;
      readonly limit: number;
    },
  ): Promise<
    | {
        readonly review: AuditReview;
        readonly items: readonly ReviewedSession<Session>[];
        readonly more: boolean;
      }
    | Problem
  > {
    const { reviews } = this.deps;
    const review = await reviews.find(id);
    if (!review) return noReview(id);
    const person = personOf(caller);
    const found = await reviews.sessions({ id, person, ...page, limit: page.limit + 1 });
    return { review, items: found.slice(0, page.limit), more: found.length > page.limit };
  }
}
