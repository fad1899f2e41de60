import type { SlackUser } from '../../domain/slack-user.js';

/** A block of a message or a view, as JSON that is sent as it is. */
export interface SlackBlock {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a message says: `text` is what notifications and readers of screens get, and is escaped like the blocks. */
export interface SlackContent {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

/** Where a message is. The pair is its name for as long as it lives. */
export interface SlackPlace {
  /** `C…`, `G…` or `D…`: never a name, nor a user. */
  readonly channel: string;
  readonly ts: string;
}

/**
 * Why a call came to nothing.
 * `busy`: Slack asks to be left alone with this method for so long; nothing was done.
 * `no`: Slack itself said no, in its own word (`channel_not_found`, `expired_trigger_id`); nothing was done.
 * `unknown`: no answer, or not one of Slack's: it may have been done.
 */
export type SlackRefusal =
  | { readonly refused: 'busy'; readonly afterMs: number }
  | { readonly refused: 'no'; readonly word: string }
  | { readonly refused: 'unknown'; readonly words: string };

export function isSlackRefusal(answer: unknown): answer is SlackRefusal {
  return typeof answer === 'object' && answer !== null && 'refused' in answer;
}

/** A message that was found again. `post` is what {@link SlackApi.post} was given to know it by, where it was ours. */
export interface SlackFound {
  readonly ts: string;
  readonly post: string | null;
}

/** A view, as `views.open` takes it. */
export type SlackView = Readonly<Record<string, unknown>>;

export interface SlackViewId {
  readonly id: string;
  /** Changes with each update: an update that names it fails where another came first. */
  readonly hash: string | null;
}

/**
 * Slack's Web API, as few verbs as the product needs. Every call is made once and is bounded in time, and none while
 * Slack asks to be left alone with it; whether to try again is for the caller to say. Nothing is thrown but for bugs.
 */
export abstract class SlackApi {
  /** Who the token is for. */
  abstract self(): Promise<{ readonly teamId: string; readonly userId: string } | SlackRefusal>;

  /**
   * Posts to a channel, or under the message `thread` of it.
   *
   * @param message.isLoud whether what stands under a message is shown in the channel as well.
   * @param message.post put into the message's metadata, so that {@link history} tells it from others.
   */
  abstract post(
    message: SlackContent & {
      readonly channel: string;
      readonly thread?: string;
      readonly isLoud?: boolean;
      readonly post?: string;
    },
  ): Promise<SlackPlace | SlackRefusal>;

  /** Puts other content in place of what a message of ours says. */
  abstract update(
    message: SlackContent & SlackPlace & { readonly post?: string },
  ): Promise<SlackPlace | SlackRefusal>;

  /** Says something in a channel that only this user sees, and that is gone when they look again. */
  abstract ephemeral(
    message: SlackContent & { readonly channel: string; readonly user: string },
  ): Promise<'done' | SlackRefusal>;

  /** `triggerId` holds for 3 seconds and once. */
  abstract openView(args: {
    readonly triggerId: string;
    readonly view: SlackView;
  }): Promise<SlackViewId | SlackRefusal>;

  abstract updateView(args: {
    readonly id: string;
    readonly hash?: string;
    readonly view: SlackView;
  }): Promise<SlackViewId | SlackRefusal>;

  abstract userInfo(userId: string): Promise<SlackUser | SlackRefusal>;

  /** Needs the scope `users:read.email`. `users_not_found`: the workspace knows nobody by it. */
  abstract userByEmail(email: string): Promise<SlackUser | SlackRefusal>;

  /** The conversation with one user: it is opened where there is none. */
  abstract openDm(userId: string): Promise<{ readonly channel: string } | SlackRefusal>;

  /**
   * The newest messages of a channel, or of the thread under `thread`, not older than `oldest` (a `ts`): one page of
   * them.
   */
  abstract history(args: {
    readonly channel: string;
    readonly thread?: string;
    readonly oldest: string;
    readonly limit: number;
  }): Promise<readonly SlackFound[] | SlackRefusal>;

  /** The link to a message. */
  abstract permalink(place: SlackPlace): Promise<{ readonly url: string } | SlackRefusal>;
}
