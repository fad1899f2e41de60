import type { SessionId } from '../../domain/session/session.js';

/**
 * What a message is for: `request` asks for consents, `word` says one of them under it, `card` is the requester's,
 * `step` tells them of one step under it, `security` is for the security channel, `alarm` stands under that.
 */
export const POST_KINDS = ['request', 'word', 'card', 'step', 'security', 'alarm'] as const;
export type PostKind = (typeof POST_KINDS)[number];

/** What tells one message of a session from another. */
export interface PostKey {
  readonly kind: PostKind;
  /** The channel (`C…`) or the user (`U…`) that it is for. */
  readonly target: string;
  /** What it is about, where there are several of a kind; else empty. */
  readonly about: string;
}

/**
 * A message in Slack. `wanted`: it was not sent. `tried`: it was being sent, and may be there. `posted`: it is there.
 * `gone`: it cannot be there, for the reason `word`.
 */
export interface SlackPost extends PostKey {
  readonly id: string;
  readonly state: 'wanted' | 'tried' | 'posted' | 'gone';
  readonly channel: string | null;
  readonly ts: string | null;
  /** Of what it says; null where that is not known. */
  readonly digest: string | null;
  readonly word: string | null;
  /** How often it was lost: somebody deleted it. */
  readonly losses: number;
  readonly triedAt: Date | null;
}

export type PostChanges = Partial<
  Pick<SlackPost, 'state' | 'channel' | 'ts' | 'digest' | 'word' | 'losses' | 'triedAt'>
>;

/** A session whose messages this replica alone looks at, until it lets go. */
export interface Turn {
  readonly sessionId: SessionId;
  /** Whose it is: of each turn another. */
  readonly holder: string;
  /** Grows with each wish to look at them. */
  readonly wanted: number;
  /** How often in a row it came to nothing. */
  readonly failures: number;
}

/** The messages in Slack as they are stored, and whose turn it is. Times of turns are the database's. */
export abstract class SlackPosts {
  /** Wishes that the messages of this session be looked at, from now on. */
  abstract want(id: SessionId): Promise<void>;

  /** Takes up to `limit` turns that are due and nobody's, those that wait longest first. */
  abstract claim(replica: string, seconds: number, limit: number): Promise<Turn[]>;
  /** Keeps a turn for as long again. False where it was lost to another. */
  abstract keep(turn: Turn, seconds: number): Promise<boolean>;
  /** Gives a turn back: done, as far as nobody wished anew; or due again later, after a failure or not. */
  abstract release(
    turn: Turn,
    next: 'done' | { readonly inMs: number; readonly failed: boolean },
  ): Promise<void>;

  /** All of a session's messages. */
  abstract of(id: SessionId): Promise<SlackPost[]>;
  /** A new one, `wanted`; the one that is there where there is one. */
  abstract add(id: SessionId, key: PostKey): Promise<SlackPost>;
  /**
   * Notes what became of a message, in a turn. False where the turn was lost to another: nobody knows then what the
   * message says, so that it is looked at once more.
   */
  abstract change(turn: Turn, id: string, changes: PostChanges): Promise<boolean>;
  /** Whose message this is, for those who press its buttons. */
  abstract at(place: {
    readonly channel: string;
    readonly ts: string;
  }): Promise<(SlackPost & { readonly sessionId: SessionId }) | undefined>;

  /** For metrics. */
  abstract standing(): Promise<SlackStanding>;
}

/** How far Slack is behind. */
export interface SlackStanding {
  /** How many sessions' messages have to be looked at. */
  readonly due: number;
  /** For how long the oldest of them waits. */
  readonly dueSeconds: number;
  /** How many messages cannot be kept. */
  readonly gone: number;
}
