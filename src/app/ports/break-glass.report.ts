import type { Owed } from '../../domain/review/review.js';
import type { Session, SessionId } from '../../domain/session/session.js';

/** How a review stands: `owed` ones are not done, `overdue` ones are those of them whose time is up. */
export type BreakGlassReviewState = 'owed' | 'overdue' | 'done';

/** A session for which the glass was broken. */
export interface BrokenGlass {
  readonly session: Session;
  readonly at: Date;
  readonly owed: Owed;
}

/** Who broke the glass, by name. */
export abstract class BreakGlassReport {
  /** Broken from `from` on and before `until`, the latest first, after the place `after`. */
  abstract broken(args: {
    readonly from: Date;
    readonly until: Date;
    readonly now: Date;
    readonly review?: BreakGlassReviewState;
    readonly after?: { readonly at: Date; readonly id: SessionId };
    readonly limit: number;
  }): Promise<BrokenGlass[]>;
}
