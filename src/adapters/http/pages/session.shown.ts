import type { SessionDetails } from '../../../contract/session.schema.js';
import type { Problem } from '../../../domain/problem.js';

/** What somebody wrote into a form that was refused, by its fields. */
export type Draft = Readonly<Partial<Record<'comment' | 'duration' | 'reason', string>>>;

/** What a page on a session is made of. */
export interface SessionShown {
  readonly session: SessionDetails;
  readonly profile: { readonly description: string; readonly image: string } | null;
  /** The id of its trace, and where people look at it. */
  readonly trace: { readonly id: string; readonly href?: string } | null;
  /** The token of its forms. */
  readonly token: string;
  /** Why a consent of who looks at it would be refused for how they signed in; null: it would not. */
  readonly signInLacks: string | null;
  /** Why what they sent was refused. */
  readonly refusal?: Problem;
  /** What they wrote then: it stays. */
  readonly draft: Draft;
}
