import type { Owed } from '../../domain/review/review.js';
import type { Consent, Session } from '../../domain/session/session.js';
import type { SlackContent } from './slack.api.js';
import type { PostKey } from './slack.posts.js';
import type { DecisionRecord } from './session.store.js';

/** All that messages tell of a session, as it is now. */
export interface SlackStory {
  readonly session: Session;
  readonly decisions: readonly DecisionRecord[];
  /** The words of people among them, each with the person as they are now. */
  readonly words: readonly Consent[];
  /** The review that it owes; null: none. */
  readonly owed: Owed | null;
  readonly isDueSoon: boolean;
  readonly isOverdue: boolean;
  /** Whether its container would not end when it had to. */
  readonly overran: boolean;
  /** How often another container took over, with a later deadline. */
  readonly extended: number;
  /** How often that was granted and came to nothing. */
  readonly notExtended: number;
}

/** Writes messages: the same story is always the same message. */
export abstract class PostRenderer {
  abstract render(post: PostKey, story: SlackStory): SlackContent;
  /** What is left of a message to an account that it is no longer for. */
  abstract parted(): SlackContent;
}
